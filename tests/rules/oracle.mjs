// Named defines of CQL libraries over many charts, by the reference translator and engine, in one process.
// node oracle.mjs ORACLE_FOLDER < {"include": [...], "valuesets": "...", "runs": [{"library", "defines", "charts"}]}
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true; // the packages write remarks to standard output
for (const level of ['log', 'info', 'warn', 'debug', 'error']) console[level] = () => {};

const from = (name) => import(pathToFileURL(path.join(process.argv[2], 'js', name)).href);
const { Engine, loadParameters, loadValueSets } = await from('engine.mjs');
const { Translator } = await from('translate.mjs');

const asked = JSON.parse(fs.readFileSync(0, 'utf8'));
const translator = await Translator.create({ include: asked.include });
const valueSets = loadValueSets(asked.valuesets);
const answers = {};
for (const { library, defines, charts } of asked.runs) {
  const elm = translator.translate(fs.readFileSync(library, 'utf8'));
  for (const { id, bundle, parameters } of charts) {
    const engine = new Engine({ valueSets, parameters: loadParameters(parameters), asOf: '2000-01-01T00:00:00.000+00:00' });
    const compiled = engine.library(elm);
    // The library as it is, but for the list of what is asked of it.
    const named = Object.create(compiled, {
      expressions: { value: Object.fromEntries(defines.map((name) => [name, compiled.expressions[name]])) },
      get: { value: compiled.get.bind(compiled) },
    });
    answers[id] = await engine.results(named, JSON.parse(fs.readFileSync(bundle, 'utf8')));
  }
}
write(JSON.stringify(answers));
