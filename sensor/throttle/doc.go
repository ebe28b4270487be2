// Package throttle keeps a rule that matches all the time from drowning the other
// alerts: at most max_signals of a rule are raised one by one in each of the rule's
// intervals. The rest is counted, with who did it and when, for one summary.
package throttle
