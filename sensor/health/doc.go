// Package health notices when the sensor cannot see, or not everything, and says
// so: rules deleted or shadowed, auditing switched off, the socket lost, records
// lost. Each finding is a condition that is raised and, when it is over, cleared,
// one document each. The Watcher looks, the Board remembers what is so and keeps
// what comes and goes from flooding the outputs.
package health
