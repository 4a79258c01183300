// Everything that the browser holds for this page. Looking creates nothing.
async () => {
  const all = (area) => { try { return Object.fromEntries(Object.entries({...area})); } catch { return {}; } };
  const out = {localStorage: {}, sessionStorage: {}, indexedDB: {}, address: location.href, cookie: {}};
  try { out.localStorage = all(localStorage); out.sessionStorage = all(sessionStorage); } catch {}
  try { for (const pair of document.cookie.split('; ')) { const at = pair.indexOf('='); if (at > 0) out.cookie[pair.slice(0, at)] = pair.slice(at + 1); } } catch {}
  try {
    for (const {name} of await indexedDB.databases()) {
      const db = await new Promise((yes, no) => { const r = indexedDB.open(name); r.onsuccess = () => yes(r.result); r.onerror = no; r.onblocked = no; });
      db.onversionchange = () => db.close();
      for (const store of db.objectStoreNames) {
        await new Promise((done) => {
          const r = db.transaction(store).objectStore(store).openCursor(); let n = 0;
          r.onerror = done;
          r.onsuccess = () => {
            const at = r.result; if (!at || n++ > 50) return done();
            const text = typeof at.value === 'string' ? at.value : JSON.stringify(at.value);
            if (text && text.length < 100000) out.indexedDB[JSON.stringify([name, store, String(at.key)])] = text;
            at.continue();
          };
        });
      }
      db.close();
    }
  } catch {}
  return out;
}
