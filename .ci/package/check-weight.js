// An install weighs no more than the README says.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const megabytes = Number(execFileSync('du', ['-sm', 'node_modules'], { encoding: 'utf8' }).split('\t')[0])
const { packages } = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8'))
const count = Object.keys(packages).length
console.log(`An install of latchkey: ${megabytes} MB, ${count} packages.`)

const readme = readFileSync(`${process.env.ROOT}/README.md`, 'utf8')
const [, maxMegabytes, maxPackages] = readme.match(/(\d+) MB in (\d+) packages/)
assert.ok(megabytes <= Number(maxMegabytes) * 1.05, `The README says ${maxMegabytes} MB.`)
assert.ok(count <= Number(maxPackages) * 1.05, `The README says ${maxPackages} packages.`)
