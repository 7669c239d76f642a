/** What machines write, in words. */

const browsers = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|Chromium|HeadlessChrome|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari']
] as const

const systems = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux']
] as const

/** "Firefox on Windows"; for what is no browser, the name it gives itself. */
export function deviceWords(userAgent: string | null): string {
  if (userAgent === null || userAgent === '') return 'Unknown device'
  const browser = found(browsers, userAgent)
  const system = found(systems, userAgent)
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`
  return userAgent.split(/[/\s]/, 1)[0] || 'Unknown device'
}

export type DeviceKind = 'phone' | 'computer' | 'program'

export function deviceKind(userAgent: string | null): DeviceKind {
  if (userAgent === null || found(browsers, userAgent) === undefined) return 'program'
  return /Android|iPhone|iPad|Mobile/.test(userAgent) ? 'phone' : 'computer'
}

function found(names: readonly (readonly [RegExp, string])[], userAgent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(userAgent))?.[1]
}

/** Where an address lies, as far as the address itself says. */
export function placeWords(ip: string | null): string {
  if (ip === null) return 'unknown address'
  if (/^(127\.|::1$|::ffff:127\.)/.test(ip)) return `this computer (${ip})`
  if (/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|fd|fe80:)/i.test(ip)) return `the local network (${ip})`
  return ip
}

/** With a capital at its beginning. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long' })
const dayAndYear = new Intl.DateTimeFormat('en', { dateStyle: 'long' })
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' })

/** "5 minutes ago", "in 2 hours"; the day where it lies a week away or further. */
export function timeWords(time: string): string {
  const seconds = (Date.parse(time) - Date.now()) / 1000
  const distance = Math.abs(seconds)
  if (distance < 45) return 'just now'
  if (distance < 45 * 60) return relative.format(Math.round(seconds / 60), 'minute')
  if (distance < 22 * 3600) return relative.format(Math.round(seconds / 3600), 'hour')
  if (distance < 7 * 86_400) return relative.format(Math.round(seconds / 86_400), 'day')
  const date = new Date(time)
  const isThisYear = date.getFullYear() === new Date().getFullYear()
  return `on ${(isThisYear ? day : dayAndYear).format(date)}`
}

export function exactTime(time: string): string {
  return exact.format(new Date(time))
}
