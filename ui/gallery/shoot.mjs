// Takes a picture of every screen, and lets axe judge it: npm run gallery -- [FOLDER [NAME…]]
//
// The pages are served with the content security policy of the app and with a frozen Object.prototype, as Tauri serves
// them; a page that either of them hinders fails here. The browser is /usr/bin/chromium, or $CHROMIUM.

import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { build } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const [folder = mkdtempSync(join(tmpdir(), 'latchkey-gallery-')), ...chosen] = process.argv.slice(2);

const config = JSON.parse(readFileSync(join(root, '../../tauri.conf.json'), 'utf8'));
const policy = Object.entries(config.app.security.csp)
  .map(([directive, sources]) => `${directive} ${sources}`)
  .join('; ');

const pages = mkdtempSync(join(tmpdir(), 'latchkey-gallery-pages-'));
const made = { outDir: pages, emptyOutDir: true, modulePreload: { polyfill: false }, assetsInlineLimit: 0 };
await build({
  root,
  base: './',
  configFile: false,
  logLevel: 'warn',
  plugins: [svelte({ configFile: join(root, '../svelte.config.js') })],
  build: { ...made, target: ['chrome111', 'safari16.4'] },
});
const { places, views } = await fixtures();

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const server = createServer((request, answer) => {
  const path = request.url === '/' ? '/index.html' : request.url.split('?')[0];
  const type = TYPES[extname(path)];
  // No icon is asked for by a web view; the browser does, and must not be told that there is none.
  if (type === undefined) return answer.writeHead(204).end();
  answer.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(readFileSync(join(pages, path)));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}/`;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

const looks = [
  { look: 'light', colorScheme: 'light', viewport: { width: 420, height: 640 }, language: 'en' },
  { look: 'dark', colorScheme: 'dark', viewport: { width: 420, height: 640 }, language: 'en' },
  { look: 'german', colorScheme: 'light', viewport: { width: 420, height: 640 }, language: 'de' },
  // 200 % zoom: the same window is half as many CSS pixels wide.
  { look: 'zoom', colorScheme: 'light', viewport: { width: 210, height: 320 }, deviceScaleFactor: 2, language: 'de' },
];

const wrong = [];
for (const { look, language, ...options } of looks) {
  const context = await browser.newContext({ ...options, reducedMotion: 'reduce', bypassCSP: false });
  await context.addInitScript(() => Object.freeze(Object.prototype));
  for (const name of [...Object.keys(views), ...Object.keys(places)]) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const page = await context.newPage();
    const complain = (text) => wrong.push(`${name} (${look}): ${text}`);
    page.on('pageerror', (error) => complain(error.message));
    page.on('console', (message) => message.type() === 'error' && complain(message.text()));
    await page.goto(`${address}#${name}/${language}`);
    await page.locator('h1').waitFor();
    await page.screenshot({ path: join(folder, `${name}.${look}.png`), fullPage: look !== 'zoom' });
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (sideways > 0) complain(`${sideways} px too wide`);
    // Evaluated by the debugger, which no policy hinders.
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    for (const { id, nodes } of violations) complain(`${id}: ${nodes.map((node) => node.html).join(' ')}`);
    await page.close();
  }
  await context.close();
}
await browser.close();
server.close();

console.log(folder);
for (const line of wrong) console.error(line);
process.exitCode = wrong.length > 0 ? 1 : 0;

/** What the pages are made of, for their names. */
async function fixtures() {
  const out = mkdtempSync(join(tmpdir(), 'latchkey-gallery-fixtures-'));
  await build({
    configFile: false,
    logLevel: 'warn',
    build: { outDir: out, lib: { entry: join(root, 'fixtures.ts'), formats: ['es'], fileName: 'fixtures' } },
  });
  return import(join(out, 'fixtures.js'));
}
