// What the window knows: the last View, where the user is, and what time it is. It decides nothing about licences.

import { tick } from 'svelte';

import type { Bridge } from './bridge';
import { HOME, nameOfPlace, type Place } from './screen';
import type { Words } from './strings';
import type { Timestamp, View } from './view';

/** How long an agent may be away before the screen says so: one that is replaced by a newer one comes back sooner. */
const PATIENCE = 2000;

export class App {
  /** The last View; null while the agent cannot be reached, undefined before anything was told. */
  view: View | null | undefined = $state.raw(undefined);
  place: Place = $state.raw(HOME);
  /** Trusted time: that of the last View and what has passed since, whatever the wall clock does (rule 16). */
  now: Timestamp = $state(Date.now());

  readonly #monotonic: () => number;
  #told: { at: Timestamp; mark: number } | null = null;
  #lost: number | null = null;
  #trail: Place[] = [];

  constructor(
    readonly bridge: Bridge,
    readonly words: Words,
    monotonic: () => number = () => performance.now(),
  ) {
    this.#monotonic = monotonic;
  }

  /** Takes in what the agent tells. */
  tell(view: View | null) {
    const mark = this.#monotonic();
    if (view !== null) {
      this.view = view;
      this.#told = { at: view.at, mark };
      this.#lost = null;
    } else {
      this.#lost ??= this.view === undefined ? mark - PATIENCE : mark;
    }
    this.tick();
  }

  /** Moves the clock on. */
  tick() {
    const mark = this.#monotonic();
    this.now = this.#told === null ? Date.now() : this.#told.at + (mark - this.#told.mark);
    if (this.#lost !== null && mark - this.#lost >= PATIENCE) this.view = null;
  }

  /** Opens a place, and takes the focus along. */
  async go(place: Place) {
    if (place.screen === 'home') this.#trail = [];
    else if (nameOfPlace(place) !== nameOfPlace(this.place)) this.#trail.push(this.place);
    this.place = place;
    await tick();
    heading()?.focus();
  }

  /** Goes back to where the user came from, the focus to what they went by. */
  async back() {
    const from = nameOfPlace(this.place);
    this.place = this.#trail.pop() ?? HOME;
    await tick();
    const opener = document.querySelector<HTMLElement>(`[data-opens="${CSS.escape(from)}"]`);
    (opener ?? heading())?.focus();
  }
}

/** The heading of the screen, which takes the focus when what had it is gone. */
export const heading = () => document.querySelector<HTMLElement>('h1');
