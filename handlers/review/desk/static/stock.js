/* Items and first pages, fetched before they are wanted. What is fetched counts as seen in the audit log, so no more than
   the next one is fetched ahead. */

import { file, get, picture } from "./api.js";

const KEPT = 4;
const LATER = 5000; // ms
const stock = new Map(); // id → {item, pages: Map(number → promise of an object URL)}

const path = (id) => `/console/api/items/${encodeURIComponent(id)}`;

export function item(id) {
  if (!stock.has(id)) {
    const entry = { item: get(path(id)), pages: new Map() };
    entry.item.catch(() => stock.delete(id));
    stock.set(id, entry);
    shrink(id);
  }
  return stock.get(id).item;
}

/** → an address of page `number` that an <img> takes */
export async function page(id, number) {
  const { ticket } = await item(id);
  const entry = stock.get(id);
  if (!entry) throw new Error("gone");
  if (!entry.pages.has(number)) {
    const loading = picture(`${path(id)}/pages/${number}?ticket=${ticket}`).then((blob) => URL.createObjectURL(blob));
    loading.catch(() => entry.pages.delete(number));
    entry.pages.set(number, loading);
  }
  return entry.pages.get(number);
}

export async function ahead(id) {
  try {
    const { pages } = await item(id);
    if (pages) await page(id, 1);
  } catch {
    // it will be asked for again, when it is wanted
  }
}

export const original = ({ id, ticket }) => file(`${path(id)}/original?ticket=${ticket}`);
export const verdict = (id) => `${path(id)}/verdict`;
export const nationalId = (id) => `${path(id)}/national-id`;

/** What is decided, or has changed, is not kept. */
export function forget(id) {
  const entry = stock.get(id);
  stock.delete(id);
  // what is on the screen just now may still be drawn
  if (entry) setTimeout(() => entry.pages.forEach((url) => url.then(URL.revokeObjectURL, () => {})), LATER);
}

function shrink(wanted) {
  for (const id of stock.keys()) {
    if (stock.size <= KEPT) return;
    if (id !== wanted) forget(id);
  }
}
