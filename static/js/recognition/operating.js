/**
 * Which operating point of a stored curve a tolerance leads to. No DOM; the server works the same out again.
 *
 * @typedef {{thresholds: number[], true_accepts: number[], false_accepts: number[], genuine: number, impostors: number}} Points
 * @typedef {{threshold: number, tp: number, fp: number, fn: number, tn: number, tpr: number, fpr: number}} Outcome
 */

/** Comparisons without any error that a rate needs: with fewer than 3 / rate it cannot be spoken of. */
const RULE_OF_THREE = 3;

/** @param {Points} points @param {number} maxFpr @returns {Outcome | string}  a sentence where the pairs cannot tell */
export function atMaxFpr(points, maxFpr) {
  if (!(maxFpr > 0 && maxFpr <= 1)) return "Give a rate above 0, up to 1.";
  const needed = Math.ceil(RULE_OF_THREE / maxFpr - 1e-9);
  if (points.impostors < needed) {
    return `${points.impostors.toLocaleString("en")} pairs of different people cannot tell of that rate: at least ${needed.toLocaleString("en")} are needed.`;
  }
  let last = -1;
  points.false_accepts.forEach((count, index) => {
    if (count / points.impostors <= maxFpr) last = index;
  });
  return outcome(points, firstAsGood(points, last));
}

/**
 * @param {Points} points @param {number} cost  of a false accept, in false rejects
 * @param {number | null} genuineShare  null: as among the pairs
 * @returns {Outcome | string}
 */
export function atCost(points, cost, genuineShare) {
  if (!(cost >= 0)) return "Give a cost of 0 or more.";
  const share = genuineShare ?? points.genuine / (points.genuine + points.impostors);
  if (!(share > 0 && share < 1)) return "Give a share between 0 and 1.";
  const perAccept = (cost * (1 - share)) / points.impostors;
  const perReject = share / points.genuine;
  let best = -1;
  let least = perReject * points.genuine;
  points.thresholds.forEach((_, index) => {
    const now = perAccept * points.false_accepts[index] + perReject * (points.genuine - points.true_accepts[index]);
    if (now < least) [best, least] = [index, now];
  });
  return outcome(points, best);
}

/** Of thresholds that accept as many of the right people, the strictest. */
function firstAsGood(points, index) {
  return index < 0 ? index : points.true_accepts.indexOf(points.true_accepts[index]);
}

function outcome(points, index) {
  if (index < 0) return "By this measure it is best to accept nobody at all, which is no threshold to recognise by.";
  const tp = points.true_accepts[index];
  const fp = points.false_accepts[index];
  return {
    threshold: points.thresholds[index],
    tp,
    fp,
    fn: points.genuine - tp,
    tn: points.impostors - fp,
    tpr: tp / points.genuine,
    fpr: fp / points.impostors,
  };
}
