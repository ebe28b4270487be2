// Package live holds the tests and benchmarks that use this machine's own
// kernel audit. Audit is one per machine, so they are all here and run one after
// another; each puts back what it changed, and the package fails when something
// is left behind.
//
// They need root with CAP_AUDIT_CONTROL in the initial namespaces and are
// skipped elsewhere, with the reason; with CI=true or TRIPLINE_LIVE=require a
// skip is a failure.
package live
