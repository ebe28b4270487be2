package main

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"sync"
	"time"
)

// pairs plants true pairs: processes that connect and call setsid, each to an
// address of its own, by which its alert is known everywhere.
type pairs struct {
	behave string

	mu      sync.Mutex
	planted []string
}

// plantedNetwork are the addresses of planted pairs. All of it is loopback.
var plantedNetwork = netip.MustParsePrefix("127.77.0.0/16") //nolint:gochecknoglobals // a constant for which Go has no word

func isPlanted(address string) bool {
	parsed, err := netip.ParseAddr(address)
	return err == nil && plantedNetwork.Contains(parsed)
}

// address is that of the pair with a number.
func address(number int) string { return fmt.Sprintf("127.77.%d.%d", number>>8&0xff, number&0xff) }

// mostPairs is how many addresses there are.
const mostPairs = 1 << 16

// plant makes one pair.
func (p *pairs) plant(ctx context.Context) error {
	p.mu.Lock()
	number := len(p.planted)
	p.mu.Unlock()
	if number == mostPairs {
		return fmt.Errorf("all %d addresses for planted pairs are used", mostPairs)
	}
	to := address(number)
	if out, err := exec.CommandContext(ctx, p.behave, "connect-setsid", to+":9").CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("planting a pair: %w: %s", err, out)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planted = append(p.planted, to)
	return nil
}

// run plants one each interval until the context ends.
func (p *pairs) run(ctx context.Context, interval time.Duration) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			// One that has begun is ended, so that it is known what happened.
			if err := p.plant(context.WithoutCancel(ctx)); err != nil {
				return err
			}
		}
	}
}

func (p *pairs) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.planted...)
}
