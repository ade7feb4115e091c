// A real OpenID provider for the stories and the demo: certified library, its own pages, accounts with passwords.
//
//   node provider.mjs [--port 0] [--config FILE.json] [--follow-stdin]
//
// Listens on 127.0.0.1, prints one line of JSON when it is ready ({"ready":true,"issuer":…}), and ends on SIGTERM,
// SIGINT, or, with --follow-stdin, when its standard input closes. What the file may say: see configuration.mjs.
import './url-parse.mjs';

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { parseArgs } from 'node:util';

import { Provider } from 'oidc-provider';

import { configuration, readSettings } from './configuration.mjs';
import { interactions } from './interactions.mjs';
import { openStorage } from './storage.mjs';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    config: { type: 'string' },
    'follow-stdin': { type: 'boolean', default: false },
  },
});
const settings = readSettings(options.config ? JSON.parse(readFileSync(options.config, 'utf8')) : {});

const { tls } = settings;
const server = tls
  ? createSecureServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) })
  : createServer();
server.listen(Number(options.port), '127.0.0.1', () => {
  const origin = tls ? `https://${tls.name}` : 'http://127.0.0.1';
  const issuer = settings.issuer ?? `${origin}:${server.address().port}`;
  const provider = new Provider(issuer, configuration(settings, openStorage(settings.store)));
  provider.use(interactions(provider, settings));
  provider.on('server_error', (_ctx, error) => process.stderr.write(`provider: ${error.stack}\n`));
  server.on('request', provider.callback());
  process.stdout.write(`${JSON.stringify({ ready: true, issuer })}\n`);
});
server.on('error', (error) => {
  process.stderr.write(`provider: cannot listen on 127.0.0.1:${options.port}: ${error.message}\n`);
  process.exitCode = 1;
});

function end() {
  server.close();
  server.closeAllConnections();
  process.stdin.destroy();
}
process.once('SIGTERM', end);
process.once('SIGINT', end);
if (options['follow-stdin']) process.stdin.on('end', end).resume();
