import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const RESOURCE = 'https://licences.northwind.example';
const REDIRECT = 'http://127.0.0.1:49152/callback';
const MAYA = { email: 'maya@northwind.example', name: 'Maya Lindqvist', password: 'correct horse' };
const folder = mkdtempSync(join(tmpdir(), 'provider-'));
const provider = fileURLToPath(new URL('provider.mjs', import.meta.url));

/** Starts a provider and reads its first line. */
async function start(port = 0) {
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ accounts: [MAYA], resources: [RESOURCE], store: join(folder, 'store.json') }));
  const args = [provider, '--port', String(port), '--config', config, '--follow-stdin'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const { value: line } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  const { ready, issuer } = JSON.parse(line);
  assert.equal(ready, true);
  const stop = () => new Promise((resolve) => child.once('exit', resolve).stdin.end());
  const endpoints = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  assert.equal(endpoints.issuer, issuer);
  return { issuer, endpoints, stop };
}

/** A browser with cookies that follows redirects within the provider and no further. */
function browser(issuer) {
  const cookies = new Map();
  return async function open(address, form) {
    let next = new URL(address, issuer);
    let body = form && new URLSearchParams(form);
    for (let hops = 0; hops < 10; hops += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { cookie, accept: 'text/html' };
      const answer = await fetch(next, { method: body ? 'POST' : 'GET', body, headers, redirect: 'manual' });
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        cookies.set(name, value);
      }
      if (answer.status < 300 || answer.status >= 400) return { url: next, page: await answer.text() };
      next = new URL(answer.headers.get('location'), next);
      body = undefined;
      if (next.origin !== issuer) return { url: next, page: '' };
    }
    throw new Error('too many redirects');
  };
}

const action = (page, name) => new RegExp(`(/interaction/[\\w-]+/${name})`).exec(page)?.[1];
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const header = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
const hidden = (page) => Object.fromEntries([...page.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, k, v]) => [k, v]));

async function post(address, form) {
  const answer = await fetch(address, { method: 'POST', body: new URLSearchParams({ client_id: 'latchkey', ...form }) });
  const text = await answer.text();
  return { status: answer.status, ...(text ? JSON.parse(text) : {}) };
}

/** Signs in by browser, and returns the tokens. */
async function signIn({ issuer, endpoints }) {
  const verifier = randomBytes(32).toString('base64url');
  const query = {
    client_id: 'latchkey', response_type: 'code', redirect_uri: REDIRECT, resource: RESOURCE, state: 's', nonce: 'n',
    scope: 'openid email profile offline_access',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  };
  const open = browser(issuer);
  const { page } = await open(`${endpoints.authorization_endpoint}?${new URLSearchParams(query)}`);
  const wrong = await open(action(page, 'login'), { email: MAYA.email, password: 'wrong' });
  assert.match(wrong.page, /id="problem"/);
  const { page: consent } = await open(action(page, 'login'), { email: MAYA.email, password: MAYA.password });
  assert.match(consent, /id="allow"/);
  const { url } = await open(action(consent, 'consent'), {});
  assert.equal(url.origin + url.pathname, REDIRECT);
  assert.equal(url.searchParams.get('iss'), issuer);
  const code = url.searchParams.get('code');
  return post(endpoints.token_endpoint, { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier });
}

let service;
before(async () => { service = await start(); });
after(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

test('a browser sign-in brings an ID token with claims, a JWT access token and a refresh token', async () => {
  const tokens = await signIn(service);
  assert.equal(tokens.status, 200, JSON.stringify(tokens));
  const id = claims(tokens.id_token);
  assert.deepEqual([id.email, id.email_verified, id.name, id.nonce], [MAYA.email, true, MAYA.name, 'n']);
  assert.deepEqual([header(tokens.access_token).typ, header(tokens.access_token).alg], ['at+jwt', 'RS256']);
  const access = claims(tokens.access_token);
  assert.deepEqual([access.aud, access.client_id, access.sub, access.exp - access.iat], [RESOURCE, 'latchkey', id.sub, 3600]);
});

test('refresh tokens rotate, and the use of an old one ends the grant', async () => {
  const { token_endpoint: token } = service.endpoints;
  const refresh = (refresh_token) => post(token, { grant_type: 'refresh_token', refresh_token });
  const first = (await signIn(service)).refresh_token;
  const second = await refresh(first);
  assert.equal(claims(second.access_token).aud, RESOURCE);
  assert.notEqual(second.refresh_token, first);
  assert.equal((await refresh(first)).error, 'invalid_grant');
  assert.equal((await refresh(second.refresh_token)).error, 'invalid_grant');
});

test('a revoked refresh token is refused', async () => {
  const { token_endpoint: token, revocation_endpoint: revocation } = service.endpoints;
  const { refresh_token } = await signIn(service);
  assert.equal((await post(revocation, { token: refresh_token })).status, 200);
  assert.equal((await post(token, { grant_type: 'refresh_token', refresh_token })).error, 'invalid_grant');
});

test('a device signs in by code', async () => {
  const { token_endpoint: token, device_authorization_endpoint: device } = service.endpoints;
  const given = await post(device, { scope: 'openid email offline_access', resource: RESOURCE });
  const poll = () => post(token, { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: given.device_code });
  assert.equal((await poll()).error, 'authorization_pending');

  const open = browser(service.issuer);
  const handed = await open(given.verification_uri_complete);
  const form = /<form[^>]*action="([^"]+)"/.exec(handed.page)[1];
  const confirm = await open(form, { ...hidden(handed.page), user_code: given.user_code });
  assert.match(confirm.page, new RegExp(`id="code">${given.user_code}<`));
  const login = await open(form, hidden(confirm.page));
  const consent = await open(action(login.page, 'login'), { email: MAYA.email, password: MAYA.password });
  const done = await open(action(consent.page, 'consent'), {});
  assert.match(done.page, /id="done"/);

  const tokens = await poll();
  assert.equal(claims(tokens.id_token).email, MAYA.email);
  assert.equal(claims(tokens.access_token).aud, RESOURCE);
});

test('the code page has a labelled field', async () => {
  const { page } = await browser(service.issuer)(new URL('/device', service.issuer));
  assert.match(page, /<label for="user-code">/);
  assert.match(page, /<input id="user-code"[^>]*name="user_code"/);
});

test('cancelling tells the client', async () => {
  const query = {
    client_id: 'latchkey', response_type: 'code', redirect_uri: REDIRECT, scope: 'openid', state: 's',
    code_challenge: 'x'.repeat(43), code_challenge_method: 'S256',
  };
  const open = browser(service.issuer);
  const { page } = await open(`${service.endpoints.authorization_endpoint}?${new URLSearchParams(query)}`);
  const { url } = await open(action(page, 'abort'), {});
  assert.equal(url.searchParams.get('error'), 'access_denied');
});

test('a client without PKCE is refused', async () => {
  const query = { client_id: 'latchkey', response_type: 'code', redirect_uri: REDIRECT, scope: 'openid', state: 's' };
  const { url } = await browser(service.issuer)(`${service.endpoints.authorization_endpoint}?${new URLSearchParams(query)}`);
  assert.equal(url.searchParams.get('error'), 'invalid_request');
});

test('a grant outlives a restart on the same port', async () => {
  const { refresh_token } = await signIn(service);
  await service.stop();
  service = await start(new URL(service.issuer).port);
  const again = await post(service.endpoints.token_endpoint, { grant_type: 'refresh_token', refresh_token });
  assert.equal(again.status, 200, JSON.stringify(again));
});
