/* A signature. Strokes are lists of [x, y] in thousandths of the width of their field, whatever its size. */

import { drag } from "./drag.js";

const INK = "#16307f"; // as it is stamped
const NIB = 6;
const NEAR = 2; // points closer than this add nothing
const POINTS_MOST = 6000;

/* Draws `strokes` over what stands there, as sharp as the screen can. */
export function paint(canvas, strokes) {
  const width = canvas.clientWidth;
  if (!width) return; // hidden
  const sharp = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * sharp);
  canvas.height = Math.round(canvas.clientHeight * sharp);
  const ink = canvas.getContext("2d");
  const scale = canvas.width / 1000;
  ink.scale(scale, scale);
  ink.lineCap = ink.lineJoin = "round";
  ink.strokeStyle = INK;
  ink.lineWidth = NIB;
  strokes.forEach((stroke) => line(ink, stroke));
}

/* Smooth: through the middles between its points. */
function line(ink, stroke) {
  ink.beginPath();
  ink.moveTo(stroke[0][0], stroke[0][1]);
  for (let i = 1; i < stroke.length - 1; i += 1) {
    const [x, y] = stroke[i];
    const [nextX, nextY] = stroke[i + 1];
    ink.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  const last = stroke[stroke.length - 1];
  ink.lineTo(last[0] + 0.01, last[1]); // a dot is seen, too
  ink.stroke();
}

/* `changed` is called with every stroke that comes or goes. */
export function pen(canvas, changed) {
  const strokes = [];
  let points = 0;
  let planned = false;

  const draw = () => {
    planned = false;
    paint(canvas, strokes);
  };
  const plan = () => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(draw);
  };
  const inside = ({ x, y }) => {
    const unit = 1000 / canvas.clientWidth;
    const clamp = (value, most) => Math.round(Math.min(Math.max(value * unit, 0), most * unit) * 10) / 10;
    return [clamp(x, canvas.clientWidth), clamp(y, canvas.clientHeight)];
  };
  const add = (point) => {
    const stroke = strokes[strokes.length - 1];
    const [x, y] = inside(point);
    const last = stroke[stroke.length - 1];
    if (points >= POINTS_MOST || (last && Math.hypot(x - last[0], y - last[1]) < NEAR)) return;
    stroke.push([x, y]);
    points += 1;
    plan();
  };
  const lift = () => {
    if (!strokes[strokes.length - 1].length) strokes.pop();
    changed();
  };

  drag(canvas, {
    start: (point) => {
      if (points >= POINTS_MOST) return false;
      strokes.push([]);
      add(point);
      return true;
    },
    move: add,
    end: (point) => {
      add(point);
      lift();
    },
    cancel: lift,
  });
  window.addEventListener("resize", plan);

  return {
    strokes,
    draw,
    undo() {
      const gone = strokes.pop();
      points -= gone ? gone.length : 0;
      plan();
      changed();
    },
    clear() {
      strokes.length = points = 0;
      plan();
      changed();
    },
  };
}
