import t from 'tap'
import { readUserAgent } from '../../src/languages/user-agent.js'

const android = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0.0.0'
const iPhone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)'
const iPad = iPhone.replaceAll('iPhone', 'iPad')
const known = [
  [`${android} Mobile Safari/537.36`, 'Chrome', 'Android', true],
  [`${android} Safari/537.36`, 'Chrome', 'Android', true],
  [`${iPhone} Version/17.5 Mobile/15E148 Safari/604.1`, 'Safari', 'iPhone', true],
  [`${iPad} CriOS/127.0 Safari/604.1`, 'Chrome', 'iPad', true],
  ['Mozilla/5.0 (Mobile; rv:48.0) Gecko/48.0 Firefox/48.0', 'Firefox', undefined, true],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox', 'Windows', false],
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/127.0.0.0 Edg/127.0', 'Edge', 'Linux', false]
] as const

for (const [userAgent, browser, system, isMobile] of known) {
  t.test(`${userAgent} is read`, async (t) => {
    t.match(readUserAgent(userAgent), { browser, system, isMobile })
  })
}

t.test('the name of a program that is not a browser is its first word', async (t) => {
  t.strictSame(readUserAgent('curl/8.5.0'), { browser: undefined, system: undefined, isMobile: false, program: 'curl' })
  t.strictSame(readUserAgent(''), { browser: undefined, system: undefined, isMobile: false, program: undefined })
})
