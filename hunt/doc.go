// Package hunt runs EQL over recorded events: newline-delimited JSON of any
// producer and any schema, from files or a stream, plain or compressed.
//
// Every document is scanned once for the fields that the queries read, and
// meets a filter made of the single stages of all queries. What passes, a small
// part as a rule, is put in order by timestamp and tiebreaker, in memory or
// beyond a limit in a temporary file, and is then matched. So the order of the
// input does not matter, and memory does not grow with the input.
package hunt
