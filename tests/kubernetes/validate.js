// SPDX-License-Identifier: GPL-2.0-or-later
// validate.js <MANIFESTS: objects as `kubectl kustomize` prints them, against the Kubernetes API twice: by
// its schema (what has to be there, values, formats), and by its types (keys that there are none of).
// Prints `ok NAME` or `not ok NAME: WHY` for each; exit status 1 when one failed. Needs no network.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import yaml from "yaml";

const require = createRequire(import.meta.url);
const tsc = require.resolve("typescript/bin/tsc");
let failed = 0;

function verdict(name, why) {
	console.log(why ? `not ok ${name}: ${why}` : `ok ${name}`);
	failed += why ? 1 : 0;
}

async function schema(module, object) {
	try {
		const models = await import(module);
		new models[object.kind](object).validate();
	} catch (error) {
		return error.message;
	}
}

function types(module, object) {
	const file = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "object.ts");
	writeFileSync(file, `import type { I${object.kind} } from "${module}";\n` +
		`export const object: I${object.kind} = ${JSON.stringify(object, null, 1)};\n`);
	try {
		execFileSync(process.execPath, [tsc, "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext",
			"--moduleResolution", "nodenext", file], { encoding: "utf8" });
	} catch (error) {
		return error.stdout || error.message;
	} finally {
		rmSync(file, { force: true });
	}
}

const documents = yaml.parseAllDocuments(readFileSync(0, "utf8"));
if (!documents.length || !documents[0].contents)
	verdict("manifests", "there are none");
for (const document of documents) {
	const object = document.toJS() ?? {};
	const name = `${object.kind}/${object.metadata?.name}`;
	const module = `kubernetes-models/${object.apiVersion}/${object.kind}`;

	verdict(`${name} is YAML`, document.errors.join("; "));
	verdict(`${name} fits the API's schema`, await schema(module, object));
	verdict(`${name} has only keys of the API`, types(module, object));
}
process.exit(failed ? 1 : 0);
