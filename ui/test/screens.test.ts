import { screen, within } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';

import { places, views } from '../gallery/fixtures';
import { button, fixture, heading, settled, show } from './window';

const text = () => document.body.textContent?.replaceAll(/\s+/g, ' ') ?? '';

describe('every screen', () => {
  const all = [
    ...Object.keys(views).map((view) => ({ name: view, view, place: '' })),
    ...Object.entries(places).map(([name, { view, place }]) => ({ name, view, place })),
  ];

  for (const language of ['en', 'de']) {
    it.each(all)(`$name has one heading, named buttons and no message without words (${language})`, async (shown) => {
      await show(shown.view, shown.place, language);
      expect(screen.getAllByRole('heading', { level: 1 })).toHaveLength(1);
      expect(screen.getAllByRole('main')).toHaveLength(1);
      expect(heading().textContent).not.toBe('');
      for (const one of screen.queryAllByRole('button')) expect(one.textContent?.trim()).not.toBe('');
      // An id that has no words is shown as it is; an argument that is missing, in braces.
      expect(text()).not.toMatch(/\b[a-z]+(-[a-z]+)*-(title|text|open|to|unit|label)\b|[{}]|undefined|\bnone\b/);
    });
  }
});

describe('signed out', () => {
  it('offers one thing', async () => {
    const { bridge, user } = await show('signed-out');
    expect(heading().textContent).toBe('You are signed out');
    await user.click(button('Sign in'));
    expect(bridge.asked).toEqual(['signIn https://licence.lindqvist.example']);
  });

  it('says how the last sign-in ended, and what to do', async () => {
    await show('signed-out-failed');
    const alert = screen.getByRole('alert');
    expect(alert.textContent).toContain('This network wants you to sign in to it first.');
    expect(alert.textContent).toContain('Open any web page, sign in to the network, then try again.');
    expect(alert.textContent).toContain('For support: discovery: text/html, 200');
    expect(text()).toContain('The release of this device waits to be sent.');
  });

  it('says why signing in could not begin', async () => {
    const { bridge, user } = await show('signed-out');
    bridge.failure = { problem: 'offline', detail: '' };
    await user.click(button('Sign in'));
    expect(screen.getByRole('alert').textContent).toContain('This computer is offline.');
    expect(document.activeElement).toBe(button('Sign in'));
  });

  it('names the services where there are several', async () => {
    const { app } = await show('signed-out');
    const view = fixture('signed-out');
    const [account] = view.accounts;
    view.accounts.push({ ...account!, service: 'https://licence.prism.example' });
    app.tell(view);
    await settled();
    expect(button('Sign in to licence.prism.example')).toBeTruthy();
  });
});

describe('signing in', () => {
  it('counts how long it has waited, and says until when', async () => {
    const { pass } = await show('signing-in');
    expect(heading().textContent).toBe('Go on in your browser');
    expect(screen.getByRole('img', { name: 'Waiting for 0:08' })).toBeTruthy();
    expect(text()).toContain('The page is open until 14:19.');
    await pass(4000);
    expect(screen.getByRole('img', { name: 'Waiting for 0:12' })).toBeTruthy();
  });

  it('offers the ways on', async () => {
    const { bridge, user } = await show('signing-in');
    await user.click(button('Open again'));
    await user.click(button('Copy link'));
    expect(button('Link copied')).toBeTruthy();
    await user.click(button('Cancel'));
    expect(bridge.asked).toEqual(['openSignIn', 'copySignInLink', 'cancelSignIn']);
  });

  it('gives a hint when the browser has not come back after 20 seconds', async () => {
    const { pass } = await show('signing-in');
    await pass(11_999);
    expect(text()).not.toContain('didn’t come back');
    await pass(1);
    const [hint] = screen.getAllByRole('status').filter((one) => one.textContent?.includes('didn’t come back'));
    expect(hint?.textContent).toContain('copy the link into another browser');
  });

  it('turns to a code for a browser elsewhere, and back', async () => {
    const { app, bridge, user } = await show('signing-in');
    await user.click(button('Use a code'));
    app.tell(fixture('signing-in-code'));
    await settled();
    expect(heading().textContent).toBe('Type this code');
    expect(text()).toContain('WDJB-MJHT');
    expect(text()).toContain('id.lindqvist.example/device');
    expect(text()).toContain('The code is good for 9:5');
    expect(screen.getByRole('img', { name: /phone’s camera/ })).toBeTruthy();
    await user.click(button('Copy code'));
    await user.click(button('Open the page here'));
    await user.click(button('Use the browser here'));
    const service = 'https://licence.lindqvist.example';
    expect(bridge.asked.filter((one) => one !== 'signInQr')).toEqual([
      `signIn ${service} device_code`,
      'copyText WDJB-MJHT',
      'openSignIn',
      `signIn ${service} browser`,
    ]);
  });

  it('offers a new code with one click when one has run out', async () => {
    const { bridge, user } = await show('signed-out-code');
    expect(screen.getByRole('alert').textContent).toContain('not finished in time');
    await user.click(button('Get a new code'));
    expect(bridge.asked).toEqual(['signIn https://licence.lindqvist.example device_code']);
  });

  it('leads from a work address to the company', async () => {
    const { bridge, user } = await show('signed-out');
    await user.click(screen.getByText('Company sign-in'));
    await user.type(screen.getByLabelText('Your work address'), 'maya@nord.example');
    await user.click(button('Continue'));
    expect(bridge.asked).toEqual(['signIn https://licence.lindqvist.example maya@nord.example']);
  });

  it('has no page to open before the address is known, and none after', async () => {
    const { app } = await show('signing-in-starting');
    expect(screen.queryByRole('button', { name: 'Open again' })).toBeNull();
    expect(text()).not.toContain('The page is open');
    expect(button('Cancel')).toBeTruthy();
    app.tell(fixture('signing-in-finishing'));
    await settled();
    expect(heading().textContent).toBe('Almost done');
    expect(screen.queryByRole('button', { name: 'Open again' })).toBeNull();
    expect(text()).not.toContain('The page is open');
  });
});

describe('licensed', () => {
  it('shows the ring full, the date and the checks', async () => {
    await show('licensed');
    expect(heading().textContent).toBe('Everything is licensed');
    expect(screen.getByRole('img', { name: '30 days of 30 days left offline' })).toBeTruthy();
    expect(text()).toContain('Good offline until 24 December 13:05');
    expect(text()).toContain('Last check 13:05');
    expect(text()).toContain('Next check 25 November 11:05');
    expect(text()).toContain('Maya Lindqvist');
  });

  it('says until when the computer is good, once it is prepared', async () => {
    const { user } = await show('licensed');
    await user.click(button('Prepare for offline'));
    const told = screen.getAllByRole('status').map((one) => one.textContent?.trim());
    expect(told).toContain('This computer is good offline until 24 December 14:05.');
  });

  it('says that there is nothing to prepare', async () => {
    const { bridge, user } = await show('licensed');
    Object.assign(bridge, { prepareOffline: async () => ({ until: null }) });
    await user.click(button('Prepare for offline'));
    expect(text()).toContain('There is no licence on this computer to prepare.');
  });

  it('names the product that ends first, where they end apart', async () => {
    const { app } = await show('licensed');
    expect(text()).not.toContain('ends first');
    const view = fixture('licensed');
    view.products[1]!.status.until! -= 5 * 86_400_000;
    app.tell(view);
    await settled();
    expect(text()).toContain('Meridian ends first.');
    expect(text()).toContain('Good offline until 19 December 13:05');
  });

  it('does not call everything licensed that is not', async () => {
    await show('licensed-in-part');
    expect(heading().textContent).toBe('You are signed in');
    expect(text()).toContain('licensing service not answering');
  });

  it('does not check twice at a time', async () => {
    const { bridge, user } = await show('licensed');
    let answer = () => {};
    Object.assign(bridge, {
      check: () => {
        bridge.asked.push('check');
        return new Promise<void>((resolve) => (answer = resolve));
      },
    });
    await user.click(button('Check now'));
    const busy = button('One moment…');
    expect(busy.getAttribute('aria-disabled')).toBe('true');
    await user.click(busy);
    expect(bridge.asked).toEqual(['check']);
    answer();
    await settled();
    expect(button('Check now').getAttribute('aria-disabled')).toBe('false');
  });

  it('asks to sign in again, while work goes on', async () => {
    const { bridge, user } = await show('sign-in-again');
    expect(heading().textContent).toBe('Sign in again');
    expect(screen.queryByRole('alert')).toBeNull();
    await user.click(button('Sign in'));
    expect(bridge.asked).toEqual(['signIn null']);
  });

  it('stays where it is while a check is on the wire', async () => {
    const { app } = await show('offline');
    const before = heading();
    const view = fixture('offline');
    view.headline = { icon: 'busy', line: 'checking' };
    view.accounts[0]!.checking = true;
    app.tell(view);
    await settled();
    expect(heading()).toBe(before);
    expect(text()).toContain('Next check checking now…');
  });
});

describe('offline, the final days and outages', () => {
  it('tells the days, the date, and that there is nothing to do yet', async () => {
    await show('offline');
    expect(heading().textContent).toBe('You are offline');
    expect(screen.getByRole('img', { name: '27 days of 30 days left offline' })).toBeTruthy();
    expect(text()).toContain('Nothing to do yet. Atlas keeps working until 21 December 13:05.');
  });

  it('counts down by itself', async () => {
    const { pass } = await show('offline');
    await pass(24 * 3_600_000);
    expect(screen.getByRole('img', { name: '26 days of 30 days left offline' })).toBeTruthy();
  });

  it.each([
    ['neither-answers', 'Neither service answers', 'Nothing to do yet.'],
    ['offline-identity', 'The sign-in service is not answering', 'Nothing to do yet.'],
    ['offline-overdue', 'The next check is overdue', 'Nothing to do yet.'],
    ['outdated', 'Latchkey is too old', 'Update Latchkey. Atlas keeps working until 14 December 14:05.'],
  ])('tells what keeps the checks away (%s)', async (view, title, words) => {
    await show(view);
    expect(heading().textContent).toBe(title);
    expect(text()).toContain(words);
  });

  it.each([
    ['outdated-final', 'Update Latchkey before 26 November 13:05, or Atlas stops working.'],
    ['subscription-final', 'Atlas stops working on 26 November 13:05: then its subscription ends.'],
  ])('promises nothing of a check where none helps (%s)', async (view, words) => {
    await show(view);
    expect(text()).toContain(words);
    expect(text()).not.toContain('One check gives you');
  });

  it('counts the final days, then hours', async () => {
    const { pass } = await show('final-days');
    expect(heading().textContent).toBe('Less than 3 days left');
    expect(text()).toContain('Connect to the Internet before 27 November 13:05, or Atlas stops working.');
    await pass(2 * 24 * 3_600_000);
    expect(heading().textContent).toBe('Less than 23 hours left');
    await pass(22.5 * 3_600_000);
    expect(heading().textContent).toBe('Less than 1 hour left');
  });

  it('says what is out, since when, and that work goes on', async () => {
    await show('outage-licensing');
    expect(heading().textContent).toBe('The licensing service is not answering');
    expect(text()).toContain('You can keep working.');
    expect(text()).toContain('Last answer: 11:05.');
    expect(text()).toContain('temporary licence until 18:05');
  });

  it('tells a locked keyring above everything else', async () => {
    await show('vault-locked');
    expect(screen.getByRole('alert').textContent).toContain('The keyring of this computer is locked. Unlock the keyring.');
  });
});

describe('stopped', () => {
  it('counts the time to save', async () => {
    const { pass } = await show('stopping-offline');
    expect(heading().textContent).toBe('Atlas stops in 9:40');
    expect(text()).toContain('Save your work: Atlas stops at 14:14.');
    await pass(580_000);
    expect(heading().textContent).toBe('Atlas has stopped');
  });

  it.each([
    ['stopped-offline', 'Atlas has stopped', 'Try again', 'check'],
    ['stopped-first-start', 'Atlas cannot start', 'Try again', 'check'],
    ['stopped-network-blocked', 'Atlas cannot start', 'Try again', 'check'],
    ['stopped-devices', 'Atlas cannot start', 'Try again', 'check'],
    ['stopped-session', 'Atlas cannot start', 'Use here instead', 'session ATLAS take_over'],
    ['stopped-session-held', 'Atlas cannot start', 'Try again', 'check'],
    ['stopped-released', 'Atlas cannot start', 'Sign in', 'signIn https://licence.lindqvist.example'],
    ['stopped-unknown', 'Atlas cannot start', 'Try again', 'check'],
  ])('%s has one button that leads out', async (view, title, name, asked) => {
    const { bridge, user } = await show(view);
    expect(heading().textContent).toBe(title);
    await user.click(button(name));
    expect(bridge.asked).toEqual([asked]);
  });

  it('has a message for the admin ready to copy', async () => {
    const { bridge, user } = await show('stopped-not-assigned');
    expect(text()).toContain('Ask it@lindqvist.example for a seat.');
    await user.click(button('Copy a message for your admin'));
    expect(button('Message copied')).toBeTruthy();
    expect(bridge.asked[0]).toBe(
      'copyText Hello,\n\nAtlas 2026.1 tells me that no seat is assigned to me. Could you assign me one?\n\n' +
        'Account: Maya Lindqvist, maya@lindqvist.example\nOrganisation: Studio Lindqvist\n' +
        'Licensing service: https://licence.lindqvist.example\nCode: 13 NOT_ASSIGNED',
    );
    await show('stopped-subscription', '', 'de');
    expect(text()).toContain('Können Sie es verlängern?');
  });

  it('lists the devices that hold the places', async () => {
    await show('stopped-devices');
    const devices = screen.getByRole('heading', { name: 'Devices that hold your places' }).parentElement!;
    expect(within(devices).getAllByRole('listitem').map((item) => item.textContent?.replaceAll(/\s+/g, ' ').trim())).toEqual([
      'STUDIO-2 Windows 11 · last seen 11:05 Release…',
      'maya-laptop Debian 12 · last seen 15 November 14:05 Release…',
      'render-farm-gateway-frankfurt-04 macOS 15 · last seen 28 April 15:05 Release…',
    ]);
  });

  it('releases one of them after asking, and only then', async () => {
    const { bridge, user } = await show('stopped-devices');
    await user.click(button('Release maya-laptop…'));
    expect(text()).toContain('The place of maya-laptop is free at once.');
    await user.click(button('Keep it'));
    expect(bridge.asked).toEqual([]);
    await user.click(button('Release maya-laptop…'));
    await user.click(button('Release'));
    expect(bridge.asked).toEqual(['releaseDevice https://licence.lindqvist.example 2 false']);
    await user.click(button('Release STUDIO-2…'));
    await user.click(button('It is this computer, installed anew'));
    expect(bridge.asked[1]).toBe('releaseDevice https://licence.lindqvist.example 1 true');
  });

  it('says since when another device has it', async () => {
    await show('stopped-session');
    expect(text()).toMatch(/Windows 11\s· since 11:05/);
  });

  it('says what a newer agent says as well as it can', async () => {
    await show('stopped-unknown');
    expect(text()).toContain('Atlas has the status 99, which this version does not know. Update Latchkey and Atlas.');
  });
});

describe('devices', () => {
  it('shows this one first, and how many may still be released', async () => {
    const { bridge, user } = await show('licensed', 'devices');
    await settled();
    expect(screen.getAllByRole('listitem').map((item) => item.textContent?.replaceAll(/\s+/g, ' ').trim())).toEqual([
      'STUDIO-1 Debian GNU/Linux 12 · last seen 14:04 · this computer',
      'STUDIO-2 Windows 11 · last seen 11:05 · in use Release…',
      'maya-laptop macOS 15 · last seen 12 November 14:05 Release…',
    ]);
    expect(text()).toContain('You can release 4 more devices today.');
    await user.click(button('Release maya-laptop…'));
    await user.click(button('Release'));
    await settled();
    expect(bridge.asked).toEqual([
      'devices https://licence.lindqvist.example',
      'releaseDevice https://licence.lindqvist.example 3 false',
      'devices https://licence.lindqvist.example',
    ]);
  });

  it('says why they cannot be shown', async () => {
    const { bridge, app } = await show('licensed');
    bridge.failure = { problem: 'not_offered', detail: '' };
    await app.go({ screen: 'devices' });
    await settled();
    expect(text()).toContain('This licensing service is too old for that.');
  });

  it('hands over what another device waits for', async () => {
    const { bridge, user } = await show('licensed-awaited');
    expect(text()).toContain('maya-laptop waits for Atlas.');
    await user.click(button('Hand over'));
    expect(bridge.asked).toEqual(['session ATLAS hand_over']);
  });
});

describe('before anything is known', () => {
  it('says that it waits, and why', async () => {
    const { app, pass } = await show('connecting');
    expect(heading().textContent).toBe('Latchkey is starting');
    app.tell(null);
    await settled();
    expect(heading().textContent).toBe('Latchkey is not answering');
    app.tell(fixture('licensed'));
    await settled();
    expect(heading().textContent).toBe('Everything is licensed');
    // An agent that is replaced by a newer one is back before anybody needs to know.
    app.tell(null);
    await pass(1999);
    expect(heading().textContent).toBe('Everything is licensed');
    await pass(1);
    expect(heading().textContent).toBe('Latchkey is not answering');
  });

  it('says that no product is registered', async () => {
    await show('no-products');
    expect(heading().textContent).toBe('No product is registered');
    expect(text()).toContain('It appears here by itself.');
  });
});
