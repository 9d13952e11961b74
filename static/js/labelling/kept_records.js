/**
 * Records kept on this computer until the server has them: a table by id, in IndexedDB.
 * Where that is forbidden (private windows, policies) localStorage stands in, and at worst memory.
 */

const DATABASE = "facet-labelling";
const TABLES = ["outbox", "drafts"];

/**
 * @typedef {object} Table
 * @property {"disk"|"memory"} lasts  whether records outlive the page
 * @property {() => Promise<object[]>} all
 * @property {(id: string) => Promise<object|undefined>} get
 * @property {(record: {id: string}) => Promise<void>} put  resolves once the record is really kept
 * @property {(id: string) => Promise<void>} remove
 */

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function openDatabase() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => TABLES.forEach((name) => request.result.createObjectStore(name, { keyPath: "id" }));
  return done(request);
}

/** @returns {Table} */
function indexedTable(database, name) {
  const write = (act) =>
    new Promise((resolve, reject) => {
      const change = database.transaction(name, "readwrite", { durability: "strict" });
      change.oncomplete = () => resolve();
      change.onabort = () => reject(change.error);
      act(change.objectStore(name));
    });
  return {
    lasts: "disk",
    all: () => done(database.transaction(name).objectStore(name).getAll()),
    get: (id) => done(database.transaction(name).objectStore(name).get(id)),
    put: (record) => write((store) => store.put(record)),
    remove: (id) => write((store) => store.delete(id)),
  };
}

/** @returns {Table} */
function localTable(name) {
  const prefix = `facet-${name}:`;
  return {
    lasts: "disk",
    all: async () =>
      Object.keys(localStorage)
        .filter((key) => key.startsWith(prefix))
        .map((key) => JSON.parse(localStorage.getItem(key))),
    get: async (id) => JSON.parse(localStorage.getItem(prefix + id) ?? "null") ?? undefined,
    put: async (record) => localStorage.setItem(prefix + record.id, JSON.stringify(record)),
    remove: async (id) => localStorage.removeItem(prefix + id),
  };
}

/** @returns {Table} */
function memoryTable() {
  const records = new Map();
  return {
    lasts: "memory",
    all: async () => [...records.values()],
    get: async (id) => records.get(id),
    put: async (record) => void records.set(record.id, structuredClone(record)),
    remove: async (id) => void records.delete(id),
  };
}

function localStorageWorks() {
  try {
    localStorage.setItem("facet-probe", "1");
    localStorage.removeItem("facet-probe");
    return true;
  } catch {
    return false;
  }
}

/** @returns {Promise<{outbox: Table, drafts: Table}>} the best tables this browser allows */
export async function openTables() {
  try {
    const database = await openDatabase();
    return { outbox: indexedTable(database, "outbox"), drafts: indexedTable(database, "drafts") };
  } catch (error) {
    console.warn("IndexedDB cannot be used; unsent work is kept another way.", error);
  }
  const make = localStorageWorks() ? localTable : memoryTable;
  return { outbox: make("outbox"), drafts: make("drafts") };
}
