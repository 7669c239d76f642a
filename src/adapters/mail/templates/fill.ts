import type { Value, Values } from './values.js'

/** Writes texts and links for one form of a mail: plain text or HTML. */
export interface Form {
  text(text: string): string
  link(url: string): string
}

export const plain: Form = { text: (text) => text, link: (url) => url }

export const html: Form = {
  text: (text) => escaped(text).replaceAll('\n', '<br>'),
  link: (url) => `<a href="${escaped(url)}" style="color: #0f6b5c; word-break: break-all">${escaped(url)}</a>`
}

/**
 * Writes `template` in `form`. Each placeholder becomes its value, or `unknown` if it has none. Values are not searched
 * for placeholders.
 */
export function fill(template: string, values: Values, unknown: string, form: Form): string {
  return template
    .split(/\{(\w+)\}/)
    .map((part, index) => (index % 2 === 0 ? form.text(part) : written(values.get(part) ?? { text: unknown }, form)))
    .join('')
}

const written = (value: NonNullable<Value>, form: Form) =>
  'url' in value ? form.link(value.url) : form.text(value.text)

/** Escapes text for HTML, also for the value of an attribute in quotes. */
export const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
