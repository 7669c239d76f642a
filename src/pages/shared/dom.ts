/** Creates and replaces elements. Strings become text, never markup. */

type Attributes = Readonly<Record<string, string | boolean | undefined>>

/** Finds an element by its id. Throws if the page has no such element. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} #${id}.`)
  return found
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  return fill(document.createElement(tag), attributes, children)
}

/** A line of smaller text. */
export function detail(...children: readonly (Node | string)[]): HTMLParagraphElement {
  return element('p', { class: 'detail' }, ...children)
}

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes,
  ...children: readonly Node[]
): SVGElementTagNameMap[Tag] {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)
}

/** Sets attributes and children. `true` sets an attribute without a value; `false` and `undefined` set none. */
function fill<T extends Element>(target: T, attributes: Attributes, children: readonly (Node | string)[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) target.setAttribute(name, '')
    else if (typeof value === 'string') target.setAttribute(name, value)
  }
  target.append(...children)
  return target
}

/**
 * Replaces all children. If an old child had the focus, the new child with the same `data-key` gets it, else `fallback`.
 * Otherwise keyboard users would start again at the top of the page. A new child also takes over the scroll position of
 * the old child with the same key.
 */
export function replaceChildren(parent: HTMLElement, children: readonly Node[], fallback: HTMLElement): void {
  const active = document.activeElement
  const hadFocus = active !== null && active !== parent && parent.contains(active)
  const key = active instanceof HTMLElement ? active.dataset.key : undefined
  const scrolled = keyed(parent).map(({ dataset, scrollTop }) => [dataset.key, scrollTop] as const)
  parent.replaceChildren(...children)
  const scrollTops = new Map(scrolled.filter(([, top]) => top > 0))
  for (const child of keyed(parent)) child.scrollTop = scrollTops.get(child.dataset.key) ?? 0
  if (!hadFocus) return
  const same = keyed(parent).find(({ dataset }) => dataset.key === key)
  const target = same ?? fallback
  target.focus()
}

const keyed = (parent: HTMLElement) => [...parent.querySelectorAll<HTMLElement>('[data-key]')]
