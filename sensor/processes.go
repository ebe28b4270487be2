package sensor

import (
	"fmt"

	"github.com/hashicorp/go-hclog"

	"tripline/normalize"
)

// openResolver makes what identifies the processes of this host.
func openResolver(host *normalize.HostFacts, logger hclog.Logger) (*normalize.ProcResolver, error) {
	resolver, err := normalize.NewProcResolver("/proc", host)
	if err != nil {
		return nil, fmt.Errorf("preparing to identify processes: %w", err)
	}
	if resolver.Blind() {
		logger.Warn("/proc shows the processes of another pid namespace: it is not read, and what processes do is told by the records alone")
	}
	if err := resolver.Follow(); err != nil {
		logger.Warn("the kernel does not tell of forks: the identity of a process that ends before it is looked at is inferred", "error", err)
	}
	return resolver, nil
}

// closeResolver gives back what openResolver took.
func (s *Sensor) closeResolver() error {
	if s.resolver == nil {
		return nil
	}
	if err := s.resolver.Close(); err != nil {
		return fmt.Errorf("ending the identification of processes: %w", err)
	}
	return nil
}

// sayIdentities sums up how processes were identified, where that was not always
// certain.
func (s *Sensor) sayIdentities() {
	stats := s.resolver.Stats()
	if stats.Inferred+stats.Evicted+stats.Ends+stats.Lives.Missed == 0 {
		return
	}
	s.options.Log.Info("identities of processes", "verified", stats.Verified, "inferred", stats.Inferred,
		"joined_to_none", stats.Unsure, "forgotten", stats.Evicted, "forks_missed", stats.Lives.Missed,
		"ends_not_looked_for", stats.Ends)
}
