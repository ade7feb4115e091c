// The window's pictures for the documentation: npm run screenshots -- FOLDER. `cargo xtask screenshots` calls it.
//
// Beside them goes views.json, the same Views for whoever shows them in the real programs (tests/src/screenshots).

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { fixtures, openPages } from './pages.mjs';

/** Every screen once, and each reason to stop that has a way out of its own. What only a test needs is left out. */
const PICTURED = [
  'connecting',
  'unreachable',
  'no-products',
  'signed-out',
  'signed-out-failed',
  'signing-in',
  'signing-in-hint',
  'signing-in-code',
  'checking',
  'licensed',
  'sign-in-again',
  'vault-locked',
  'offline',
  'neither-answers',
  'offline-identity',
  'offline-overdue',
  'outdated',
  'final-days',
  'final-hours',
  'subscription-final',
  'outage-licensing',
  'outage-temporary',
  'stopping-offline',
  'stopped-offline',
  'stopped-first-start',
  'stopped-network-blocked',
  'stopped-not-assigned',
  'stopped-subscription',
  'stopped-devices',
  'stopped-session',
  'licensed-awaited',
  'stopped-released',
  'product',
  'reset',
  'reset-one',
  'sign-out',
  'privacy',
  'devices',
];

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('where to? npm run screenshots -- FOLDER');

const { places, views } = await fixtures();
const unknown = PICTURED.filter((name) => !(name in views) && !(name in places));
if (unknown.length > 0) throw new Error(`no fixture is called ${unknown.join(', ')}`);

const pages = await openPages();
for (const colorScheme of ['light', 'dark']) {
  const context = await pages.look({ colorScheme, viewport: { width: 420, height: 640 } });
  const page = await context.newPage();
  for (const name of PICTURED) {
    // The gallery reads the name once, when the page is made.
    await page.goto('about:blank');
    await pages.show(page, name, 'en');
    await page.screenshot({ path: join(folder, `window-${name}-${colorScheme}.png`), fullPage: true });
  }
  await context.close();
}
await pages.close();
writeFileSync(join(folder, 'views.json'), JSON.stringify(views));
