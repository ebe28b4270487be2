// Package status describes what a running sensor says of itself: the document that
// it answers with on its control socket, the same as metrics, and as a screen for a
// person.
//
// The types of this package are the one source of all of them and of the tables in
// docs/status.md, by their tags: json is the field's name in the document, doc says
// what it is, metric is the metric's name without the prefix tripline_, and label
// makes a field a label of the metrics beside it. A metric whose name ends in
// _total is a counter, any other a gauge. Text with a metric is a gauge that is
// always 1, with the text as label.
package status
