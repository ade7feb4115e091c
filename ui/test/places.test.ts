import { screen, within } from '@testing-library/svelte';
import { expect, it } from 'vitest';

import { HOME, placeNamed } from '../src/screen';
import { button, fixture, heading, settled, show } from './window';

const text = () => document.body.textContent?.replaceAll(/\s+/g, ' ') ?? '';

it('opens a place by keyboard, and brings the focus back to where it was', async () => {
  const { user } = await show('licensed');
  button(/Atlas/).focus();
  await user.keyboard('{Enter}');
  expect(heading().textContent).toBe('Atlas');
  expect(document.activeElement).toBe(heading());
  await user.tab({ shift: true });
  expect(document.activeElement).toBe(button('Back'));
  await user.keyboard('{Escape}');
  expect(heading().textContent).toBe('Everything is licensed');
  expect(document.activeElement).toBe(button(/Atlas/));
});

it('goes back step by step', async () => {
  const { user } = await show('licensed');
  await user.click(button(/Meridian/));
  await user.click(button('Reset licence…'));
  expect(heading().textContent).toBe('Reset licences');
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'Meridian only' }).checked).toBe(true);
  await user.click(button('Cancel'));
  expect(heading().textContent).toBe('Meridian');
  expect(document.activeElement).toBe(button('Reset licence…'));
});

it('keeps the focus on the screen when the View takes what had it away', async () => {
  const { app, user } = await show('signed-out');
  await user.click(button('Sign in'));
  app.tell(fixture('signing-in'));
  await settled();
  await settled();
  expect(document.activeElement).toBe(heading());
});

it('leaves the focus alone when only the words change', async () => {
  const { app } = await show('licensed');
  button('Check now').focus();
  app.tell(fixture('licensed-one'));
  await settled();
  expect(document.activeElement).toBe(button('Check now'));
});

it('reads every new status line aloud', async () => {
  const { app } = await show('licensed');
  const [live] = screen.getAllByRole('status');
  expect(live?.textContent).toBe('Maya Lindqvist — licensed');
  app.tell(fixture('offline'));
  await settled();
  expect(screen.getAllByRole('status')[0]).toBe(live);
  expect(live?.textContent).toBe('Offline — 27 days left, until 21 December 13:05');
});

it('resets one product', async () => {
  const { bridge, user } = await show('licensed', 'reset:ATLAS');
  expect(text()).toContain('You stay signed in');
  expect(text()).not.toContain('The key of this device');
  await user.click(button('Reset Atlas'));
  expect(bridge.asked).toEqual(['reset ATLAS']);
  expect(heading().textContent).toBe('Done');
  expect(document.activeElement).toBe(heading());
});

it('resets everything, and says what that deletes, keeps and cannot promise', async () => {
  const { bridge, user } = await show('licensed', 'reset');
  for (const said of [
    'All licences on this computer, temporary ones too',
    'Your sign-in',
    'The key of this device, which gives up its place',
    'Which products are installed',
    'Open products get a few minutes to save.',
    'Latchkey cannot promise',
    'The next start needs the Internet.',
  ]) {
    expect(text()).toContain(said);
  }
  await user.click(button('Reset everything'));
  expect(bridge.asked).toEqual(['reset null']);
});

it('says why nothing was reset, and lets the user try again', async () => {
  const { bridge, user } = await show('licensed', 'reset');
  bridge.failure = { problem: 'vault_not_deleted', detail: '' };
  await user.click(button('Reset everything'));
  expect(screen.getByRole('alert').textContent).toContain('The keyring did not let Latchkey delete everything.');
  expect(button('Reset everything').getAttribute('aria-disabled')).toBe('false');
});

it('asks before signing out', async () => {
  const { bridge, user } = await show('licensed');
  await user.click(button('Sign out…'));
  expect(text()).toContain('the next start needs the Internet');
  await user.click(button('Stay signed in'));
  expect(bridge.asked).toEqual([]);
  await user.click(button('Sign out…'));
  await user.click(button('Sign out'));
  expect(bridge.asked).toEqual(['signOut https://licence.lindqvist.example']);
  expect(heading().textContent).toBe('Everything is licensed');
});

it('shows every field that is sent, with its value, and what is never sent', async () => {
  await show('licensed', 'privacy');
  await settled();
  for (const said of ['Name of this computer', 'STUDIO-1', 'ATLAS 2026.1 (open)', 'Your permission to ask', 'Never shown.']) {
    expect(text()).toContain(said);
  }
  // Said once, however many products there are.
  const field = screen.getByText('Product, its version, and whether it is open').parentElement!;
  expect(within(field).getAllByRole('definition').map((value) => value.textContent)).toEqual([
    'ATLAS 2026.1 (open)',
    'MERIDIAN 3.4 (closed)',
    'The service answers for each product.',
  ]);
  expect(screen.getByRole('heading', { name: 'Never sent' })).toBeTruthy();
  expect(text()).toContain('Your password: only the sign-in service sees it');
});

it('says why the fields cannot be shown', async () => {
  const { app, bridge, user } = await show('licensed');
  bridge.failure = { problem: 'agent_unreachable', detail: '' };
  await user.click(button('What is sent'));
  await settled();
  expect(screen.getByRole('alert').textContent).toContain('agent does not answer');
  await app.back();
  expect(heading().textContent).toBe('Everything is licensed');
});

it('finds its places by their names', () => {
  expect(placeNamed('')).toEqual(HOME);
  expect(placeNamed('product:ATLAS')).toEqual({ screen: 'product', product: 'ATLAS' });
  expect(placeNamed('details:ATLAS')).toEqual({ screen: 'product', product: 'ATLAS' });
  expect(placeNamed('reset')).toEqual({ screen: 'reset', product: null });
  expect(placeNamed('reset:ATLAS')).toEqual({ screen: 'reset', product: 'ATLAS' });
  expect(placeNamed('sign-out')).toEqual({ screen: 'sign-out' });
  expect(placeNamed('privacy')).toEqual({ screen: 'privacy' });
  expect(placeNamed('devices')).toEqual({ screen: 'devices' });
  for (const unknown of ['product', 'device', 'constructor', ':', '<img>']) expect(placeNamed(unknown)).toEqual(HOME);
});

it('resets everything, and says so, where the product is not registered any more', async () => {
  const { app, bridge, user } = await show('licensed', 'reset:ATLAS');
  const view = fixture('licensed');
  view.products = view.products.filter((product) => product.product !== 'ATLAS');
  app.tell(view);
  await settled();
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'Everything on this computer' }).checked).toBe(true);
  await user.click(screen.getByRole('radio', { name: 'Meridian only' }));
  await user.click(button('Reset Meridian'));
  expect(bridge.asked).toEqual(['reset MERIDIAN']);
});

it('leads from a product to the sign-in that was begun there', async () => {
  const { app, bridge, user } = await show('stopped-released', 'product:ATLAS');
  await user.click(button('Sign in'));
  app.tell(fixture('signing-in'));
  await settled();
  expect(bridge.asked).toEqual(['signIn https://licence.lindqvist.example']);
  expect(heading().textContent).toBe('Go on in your browser');
});
