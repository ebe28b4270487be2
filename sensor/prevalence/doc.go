// Package prevalence remembers, over restarts, which executables were seen to
// connect to the network on this host, and since when. It is bounded: what
// connected longest ago is forgotten first.
package prevalence
