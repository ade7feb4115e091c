// The geometry of the ring: arcs on a circle of radius 90 around (100, 100), clockwise from the top.

const RADIUS = 90;
const CENTRE = 100;
/** How much of each part is left free, of a part's length; never less than can be seen. */
const GAP = 0.14;
/** More parts than this would be a pattern, not days. */
const MOST_PARTS = 60;

/**
 * The path that shows `fraction` (0 to 1) of a ring that is cut into `parts`. Less than two parts, or too many to be
 * told apart, make a ring without cuts.
 */
export function ringPath(fraction: number, parts: number): string {
  const end = Math.min(1, Math.max(0, fraction));
  if (parts < 2 || parts > MOST_PARTS) return arc(0, end);
  const gap = GAP / parts / 2;
  const arcs: string[] = [];
  for (let part = 0; part < parts; part += 1) {
    const from = part / parts + gap;
    const to = Math.min((part + 1) / parts - gap, end);
    if (to > from) arcs.push(arc(from, to));
  }
  return arcs.join('');
}

function arc(from: number, to: number): string {
  if (to <= from) return '';
  // An arc cannot end where it begins, so a long one is drawn in two.
  const middle = to - from > 0.5 ? [(from + to) / 2] : [];
  const rest = [...middle, to].map((turn) => `A${RADIUS} ${RADIUS} 0 0 1 ${point(turn)}`);
  return `M${point(from)}${rest.join('')}`;
}

function point(turn: number): string {
  const angle = (turn - 0.25) * 2 * Math.PI;
  const at = (offset: number) => Number((CENTRE + RADIUS * offset).toFixed(2));
  return `${at(Math.cos(angle))} ${at(Math.sin(angle))}`;
}
