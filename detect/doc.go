// Package detect decides what is looked for: it loads rule files, compiles
// their EQL into predicates over typed event fields, and matches events against
// all loaded rules in one engine.
//
// The package owns the interface between events and rules (Event, Schema,
// Value) and knows nothing of where events come from.
package detect
