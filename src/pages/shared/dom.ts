/** What the pages are made of. Text goes in as text: nothing here reads markup. */

type Attributes = Readonly<Record<string, string | boolean | undefined>>

/** The element of the page that has this id; a page without it is broken, and says so. */
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
  return filled(document.createElement(tag), attributes, children)
}

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes,
  ...children: readonly Node[]
): SVGElementTagNameMap[Tag] {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)
}

/** True sets an attribute without a value; false and undefined leave it out. */
function filled<T extends Element>(made: T, attributes: Attributes, children: readonly (Node | string)[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, '')
    else if (typeof value === 'string') made.setAttribute(name, value)
  }
  made.append(...children)
  return made
}

/**
 * Puts new children in place of the old. Where the focus was on one of those, it goes to the new one
 * with the same `data-key`, else to `fallback`: nobody who uses a keyboard is thrown to the page's top.
 */
export function replaceChildren(parent: HTMLElement, children: readonly Node[], fallback: HTMLElement): void {
  const active = document.activeElement
  const hadFocus = active !== null && active !== parent && parent.contains(active)
  const key = active instanceof HTMLElement ? active.dataset.key : undefined
  parent.replaceChildren(...children)
  if (!hadFocus) return
  const same = [...parent.querySelectorAll<HTMLElement>('[data-key]')].find(({ dataset }) => dataset.key === key)
  const target = same ?? fallback
  target.focus()
}
