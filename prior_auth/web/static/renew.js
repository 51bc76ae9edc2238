// A page that says data-renew="SECONDS" renews its content in place, until somebody works in it.
// Without script it stays as it is: nothing else depends on this file.
"use strict";

const main = document.querySelector("main[data-renew]");
let touched = false;

async function renew() {
  if (touched || document.hidden || main.contains(document.activeElement)) return again();
  try {
    const answer = await fetch(location.href);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (!answer.ok || !fresh || touched) return again();
    main.replaceChildren(...fresh.childNodes);
    if (fresh.dataset.renew) main.dataset.renew = fresh.dataset.renew;
    else return;
  } catch (away) {
    // The service is being started again; the next try finds it.
  }
  again();
}

function again() {
  setTimeout(renew, Number(main.dataset.renew) * 1000);
}

if (main) {
  main.addEventListener("input", () => { touched = true; });
  again();
}
