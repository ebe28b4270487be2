// Package alert makes the alert document from a match: ECS and Elastic's alert
// field names, every attribute of the rule, and the matched events whole.
package alert
