// Takes a picture of every screen, and lets axe judge it: npm run gallery -- [FOLDER [NAME…]]
//
// A page that the policy or the frozen prototype hinders (pages.mjs) fails here.

import { join } from 'node:path';

import axe from 'axe-core';

import { fixtures, folderFor, openPages } from './pages.mjs';

const [folder = folderFor('pictures'), ...chosen] = process.argv.slice(2);

const looks = [
  { look: 'light', colorScheme: 'light', viewport: { width: 420, height: 640 }, language: 'en' },
  { look: 'dark', colorScheme: 'dark', viewport: { width: 420, height: 640 }, language: 'en' },
  { look: 'german', colorScheme: 'light', viewport: { width: 420, height: 640 }, language: 'de' },
  // 200 % zoom: the same window is half as many CSS pixels wide.
  { look: 'zoom', colorScheme: 'light', viewport: { width: 210, height: 320 }, deviceScaleFactor: 2, language: 'de' },
];

const { places, views } = await fixtures();
const pages = await openPages();
const wrong = [];
for (const { look, language, ...options } of looks) {
  const context = await pages.look(options);
  for (const name of [...Object.keys(views), ...Object.keys(places)]) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const page = await context.newPage();
    const complain = (text) => wrong.push(`${name} (${look}): ${text}`);
    page.on('pageerror', (error) => complain(error.message));
    page.on('console', (message) => message.type() === 'error' && complain(message.text()));
    await pages.show(page, name, language);
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
await pages.close();

console.log(folder);
for (const line of wrong) console.error(line);
process.exitCode = wrong.length > 0 ? 1 : 0;
