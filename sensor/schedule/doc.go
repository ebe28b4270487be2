// Package schedule raises the alerts that rules would have raised over recorded
// events had they run at intervals, as Elastic's detection engine runs them.
//
// A run at a time looks at the events from some time before it (from) until then,
// and runs follow each other by the rule's interval, at whole multiples of it. A
// match is found by the first run after its last event if its first event is
// within what that run looks at; each run raises max_signals alerts at most. The
// matching itself is one pass of the live engine, so that the same events give the
// alerts, and the ids, that the running sensor gives.
package schedule
