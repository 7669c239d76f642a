import type { Catalogues } from './catalogue.js'
import { english } from './english.js'
import { german } from './german.js'

/** The languages that the package has. */
export const shipped: Catalogues = new Map([
  ['en', english],
  ['de', german]
])
