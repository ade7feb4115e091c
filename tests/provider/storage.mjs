// Where the provider keeps keys, sessions, grants and tokens: in memory, and in a file when it is to outlive the
// process (a story moves the clock by starting the provider anew).
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Opens the storage: `{adapter, jwks, cookieKeys}` as the library's configuration takes them. */
export function openStorage(file) {
  const kept = read(file) ?? { jwks: newKeys(), cookieKeys: [randomBytes(32).toString('base64url')], entries: [] };
  const entries = new Map(kept.entries);
  const save = () => {
    if (!file) return;
    writeFileSync(`${file}.new`, JSON.stringify({ ...kept, entries: [...entries] }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  save();
  return { adapter: (model) => new Adapter(model, entries, save), jwks: kept.jwks, cookieKeys: kept.cookieKeys };
}

function read(file) {
  if (!file) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function newKeys() {
  const key = (alg, kind, options) => ({
    ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
    alg,
    use: 'sig',
    kid: randomBytes(8).toString('base64url'),
  });
  return { keys: [key('RS256', 'rsa', { modulusLength: 2048 }), key('ES256', 'ec', { namedCurve: 'P-256' })] };
}

/** The library's adapter contract. Expiry is the library's own concern: it looks at `exp` in what it reads. */
class Adapter {
  constructor(model, entries, save) {
    Object.assign(this, { model, entries, save });
  }

  #key(id) {
    return `${this.model}:${id}`;
  }

  #findBy(field, value) {
    const prefix = this.#key('');
    for (const [key, payload] of this.entries) {
      if (key.startsWith(prefix) && payload[field] === value) return payload;
    }
    return undefined;
  }

  async upsert(id, payload) {
    this.entries.set(this.#key(id), payload);
    this.save();
  }

  async find(id) {
    return this.entries.get(this.#key(id));
  }

  async findByUid(uid) {
    return this.#findBy('uid', uid);
  }

  async findByUserCode(userCode) {
    return this.#findBy('userCode', userCode);
  }

  async consume(id) {
    this.entries.get(this.#key(id)).consumed = Math.floor(Date.now() / 1000);
    this.save();
  }

  async destroy(id) {
    this.entries.delete(this.#key(id));
    this.save();
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of this.entries) {
      if (payload.grantId === grantId) this.entries.delete(key);
    }
    this.save();
  }
}
