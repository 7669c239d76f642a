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

/** The names that we know in a user agent. */
interface UserAgent {
  readonly browser: string | undefined
  readonly system: string | undefined
  /** The first word, which is the name of a program that is not a browser. Chosen by the client. */
  readonly program: string | undefined
}

export function readUserAgent(userAgent: string): UserAgent {
  return {
    browser: findName(browsers, userAgent),
    system: findName(systems, userAgent),
    program: userAgent.split(/[/\s]/, 1)[0] || undefined
  }
}

function findName(names: readonly (readonly [RegExp, string])[], userAgent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(userAgent))?.[1]
}
