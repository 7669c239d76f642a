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

const mobileSystems: ReadonlySet<string> = new Set(['Android', 'iPhone', 'iPad'])

/** The names that we know in a user agent. */
interface UserAgent {
  readonly browser: string | undefined
  readonly system: string | undefined
  /** Whether it is on a phone or a tablet. */
  readonly isMobile: boolean
  /** The first word, which is the name of a program that is not a browser. Chosen by the client. */
  readonly program: string | undefined
}

export function readUserAgent(userAgent: string): UserAgent {
  const system = findName(systems, userAgent)
  return {
    browser: findName(browsers, userAgent),
    system,
    isMobile: (system !== undefined && mobileSystems.has(system)) || /\bMobile\b/.test(userAgent),
    program: userAgent.split(/[/\s]/, 1)[0] || undefined
  }
}

function findName(names: readonly (readonly [RegExp, string])[], userAgent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(userAgent))?.[1]
}
