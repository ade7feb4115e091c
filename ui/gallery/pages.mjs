// The gallery's pages, built and served as Tauri serves the app's own: with its content security policy, and with a
// frozen Object.prototype. The browser is /usr/bin/chromium, or $CHROMIUM.

import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { chromium } from 'playwright-core';
import { build } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A folder that nobody else uses. */
export const folderFor = (what) => mkdtempSync(join(tmpdir(), `latchkey-gallery-${what}-`));

/** What the pages are made of: the Views and places by name, and when it all is. */
export async function fixtures() {
  const out = folderFor('fixtures');
  await build({
    configFile: false,
    logLevel: 'error',
    build: { outDir: out, lib: { entry: join(root, 'fixtures.ts'), formats: ['es'], fileName: 'fixtures' } },
  });
  return import(join(out, 'fixtures.js'));
}

/** Builds and serves the pages, and starts a browser for them. */
export async function openPages() {
  const folder = folderFor('pages');
  const made = { outDir: folder, emptyOutDir: true, modulePreload: { polyfill: false }, assetsInlineLimit: 0 };
  await build({
    root,
    base: './',
    configFile: false,
    logLevel: 'warn',
    plugins: [svelte({ configFile: join(root, '../svelte.config.js') })],
    build: { ...made, target: ['chrome111', 'safari16.4'] },
  });
  const server = await serve(folder);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  const address = `http://127.0.0.1:${server.address().port}/`;
  return {
    /** A window of one look: as Playwright's `browser.newContext` takes it. */
    async look(options) {
      const context = await browser.newContext({ ...options, reducedMotion: 'reduce', bypassCSP: false });
      await context.addInitScript(() => Object.freeze(Object.prototype));
      return context;
    },
    /** Shows the fixture `name` in a page, and waits until nothing of it moves. */
    async show(page, name, language) {
      await page.goto(`${address}#${name}/${language}`);
      await page.locator('h1').waitFor();
      await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

async function serve(folder) {
  const config = JSON.parse(readFileSync(join(root, '../../tauri.conf.json'), 'utf8'));
  const policy = Object.entries(config.app.security.csp)
    .map(([directive, sources]) => `${directive} ${sources}`)
    .join('; ');
  const server = createServer((request, answer) => {
    const path = request.url === '/' ? '/index.html' : request.url.split('?')[0];
    const type = TYPES[extname(path)];
    // No icon is asked for by a web view; the browser does, and must not be told that there is none.
    if (type === undefined) return answer.writeHead(204).end();
    answer
      .writeHead(200, { 'content-type': type, 'content-security-policy': policy })
      .end(readFileSync(join(folder, path)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
