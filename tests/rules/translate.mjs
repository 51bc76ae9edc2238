// CQL libraries to ELM by the reference translator, in one process.
// node translate.mjs ORACLE_FOLDER < {"include": [folders], "libraries": {name: file}} > {name: [ELM of the library and of those that it includes]}
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true; // the packages write remarks to standard output
for (const level of ['log', 'info', 'warn', 'debug', 'error']) console[level] = () => {};

const { Translator } = await import(pathToFileURL(path.join(process.argv[2], 'js', 'translate.mjs')).href);
const asked = JSON.parse(fs.readFileSync(0, 'utf8'));
const translator = await Translator.create({ include: asked.include });
const found = Object.entries(asked.libraries).map(([name, file]) => [name, translator.translate(fs.readFileSync(file, 'utf8'))]);
write(JSON.stringify(Object.fromEntries(found)));
