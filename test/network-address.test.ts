import fc from 'fast-check'
import t from 'tap'
import { clientNetwork, containStrangers, isWithin, readAddress, readNetwork } from '../src/network-address.js'

const sameAddress: Readonly<Record<string, readonly string[]>> = {
  '203.0.113.9': [
    '203.0.113.9',
    ' 203.0.113.9\t',
    '203.0.113.9:4711',
    '::ffff:203.0.113.9',
    '::FFFF:203.0.113.9',
    '::ffff:cb00:7109',
    '0:0:0:0:0:ffff:cb00:7109',
    '[::ffff:203.0.113.9]:443',
    '::ffff:203.0.113.9%eth0'
  ],
  '2001:db8::1': [
    '2001:db8::1',
    '2001:DB8:0:0::1',
    '2001:0db8:0000:0000:0000:0000:0000:0001',
    '[2001:db8::1]',
    '[2001:db8::1]:4711',
    '2001:db8::0.0.0.1'
  ],
  'fe80::1': ['fe80::1%eth0', 'fe80::1%br-lan', '[fe80::1%25en0]:80', 'FE80::0001'],
  '::1': ['::1', '0:0:0:0:0:0:0:1'],
  '::': ['::', '0::0'],
  '1::': ['1::', '1:0:0:0:0:0:0:0'],
  '2001:db8::1:0:0:1': ['2001:db8:0:0:1:0:0:1'],
  '2001:db8:0:1:1:1:1:1': ['2001:db8:0:1:1:1:1:1'],
  '::ffff:0:cb00:7109': ['::ffff:0:203.0.113.9'],
  '::102:304': ['::102:304', '::1.2.3.4'],
  '1:2:3:4:5:6:102:304': ['1:2:3:4:5:6:1.2.3.4']
}

for (const [address, spellings] of Object.entries(sameAddress)) {
  t.test(`every spelling of ${address} is read as this address`, async (t) => {
    for (const spelling of spellings) t.equal(readAddress(spelling), address, spelling)
  })
}

t.test('texts that are not addresses are refused', async (t) => {
  for (const text of [
    '',
    'unknown',
    '_hidden',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '010.0.0.1',
    '1.2.3.04',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3.4:',
    '1.2.3.4:123456',
    '1.2.3.4:http',
    '1.2.3.4%eth0',
    '[1.2.3.4]',
    '[1.2.3.4]:80',
    '[::1',
    '::1]',
    '[::1]:',
    '[]',
    '1.2.3.4/24',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    '::ffff:256.0.0.1',
    '::ffff:010.0.0.1',
    '::ffff:0x7f.0.0.1',
    '::1.2.3.4:80',
    '::1%',
    '"[::1]"',
    "1.2.3.4' OR 1=1",
    '1.2.3.4\u0000',
    '１.2.3.4',
    '\u00a01.2.3.4',
    `${' '.repeat(100)}1.2.3.4`,
    '<script>'
  ]) {
    t.equal(readAddress(text), undefined, JSON.stringify(text))
  }
})

t.test('each address has one spelling, whatever its form', async (t) => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const address = readAddress(text)
      return address !== undefined && readAddress(address) === address && readAddress(`[${text}]:1`) === address
    }),
    { seed: 22, numRuns: 500 }
  )
  fc.assert(
    fc.property(fc.ipV4(), (text) => readAddress(text) === text && readAddress(`::ffff:${text}`) === text),
    { seed: 22, numRuns: 500 }
  )
  t.pass('1,000 addresses')
})

t.test('one client is an IPv4 address or an IPv6 /64', async (t) => {
  t.equal(clientNetwork('203.0.113.9'), '203.0.113.9')
  t.equal(clientNetwork('2001:db8:1:2::1'), '2001:db8:1:2::/64')
  t.equal(clientNetwork('2001:db8:1:2:ffff::'), '2001:db8:1:2::/64')
  t.not(clientNetwork('2001:db8:1:3::1'), clientNetwork('2001:db8:1:2::1'))
  t.equal(clientNetwork(''), '', 'a client without an address')
})

t.test('a network contains its addresses in every spelling, and no others', async (t) => {
  const within = (network: string, address: string) => {
    const read = readNetwork(network)
    return read === undefined ? undefined : isWithin([read], address)
  }
  t.equal(within('10.0.0.0/8', '10.255.0.1'), true)
  t.equal(within('10.0.0.0/8', '::ffff:10.1.2.3'), true)
  t.equal(within('10.0.0.0/8', '10.1.2.3:8080'), true)
  t.equal(within('10.0.0.0/8', '11.0.0.1'), false)
  t.equal(within('10.0.0.0/8', '010.0.0.1'), false)
  t.equal(within('::ffff:10.0.0.0/104', '10.1.2.3'), true)
  t.equal(within('192.0.2.130/25', '192.0.2.200'), true)
  t.equal(within('192.0.2.130/25', '192.0.2.1'), false)
  t.equal(within('192.0.2.1', '192.0.2.1'), true)
  t.equal(within('192.0.2.1', '192.0.2.2'), false)
  t.equal(within('2001:db8::/33', '2001:db8:7fff::1'), true)
  t.equal(within('2001:db8::/33', '2001:db8:8000::1'), false)
  t.equal(within('::/16', '203.0.113.9'), false, 'an IPv6 network has no IPv4 addresses')
  t.equal(within('::1', 'unknown'), false)
  for (const text of [
    '',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'loopback',
    '1.2.3.4:80',
    'fe80::1%eth0',
    '10/8',
    '010.0.0.0/8'
  ])
    t.equal(readNetwork(text), undefined, text)
})

t.test('networks contain strangers if they are too large together, in whatever form', async (t) => {
  const contain = (text: string) =>
    containStrangers(
      text
        .split(' ')
        .map(readNetwork)
        .filter((network) => network !== undefined)
    )
  const slash8s = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `${from + index}.0.0.0/8`).join(' ')
  for (const text of [
    '0.0.0.0/0',
    '0.0.0.0/1',
    '0.0.0.0/1 128.0.0.0/1',
    '10.0.0.0/7',
    '11.0.0.0/8 12.0.0.0/8',
    slash8s(1, 223),
    '10.0.0.0/8 11.0.0.0/9 11.128.0.0/9 12.0.0.1',
    '::/0',
    '::/1',
    '::/1 8000::/1',
    '2000::/3',
    '2a00::/16 2600::/16',
    'fc00::/6',
    'fe00::/7',
    '::ffff:0:0/96',
    '::ffff:0.0.0.0/97',
    '::ffff:11.0.0.0/104 12.0.0.1',
    '64:ff9b::/96',
    '64:ff9b::/97 64:ff9b::8000:0/97',
    '64:ff9b::/32',
    '64:ff9b:1::/48',
    '64:ff9b:1:fffe::/96',
    '::/96',
    '::ffff:0:0:0/96',
    '2002::/16',
    '2002::/17 2002:8000::/17',
    '2001::/32',
    '2001::/16'
  ])
    t.equal(contain(text), true, text)
  for (const text of [
    '',
    '11.0.0.0/8',
    '11.0.0.0/8 11.1.0.0/16 11.0.0.0/8',
    '10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 127.0.0.0/8 169.254.0.0/16 fc00::/7 fe80::/10 ::1',
    '104.16.0.0/13 172.64.0.0/13 162.158.0.0/15 2400:cb00::/32 2606:4700::/32 2a06:98c0::/29',
    '::ffff:10.0.0.0/104',
    '64:ff9b::c000:221',
    '64:ff9b::a00:0/104',
    '2002:c000:221::/48',
    '192.0.2.1',
    '2600::/16'
  ])
    t.equal(contain(text), false, text)
})
