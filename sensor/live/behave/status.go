package main

import (
	"fmt"
	"time"

	"tripline/auditrules/kernel"
)

// askStatus asks the kernel now and then how many records it lost, which no sensor can
// do without, and does nothing else until its standard input ends. It is what an idle
// sensor is compared with.
func askStatus(interval string) error {
	pause, err := time.ParseDuration(interval)
	if err != nil {
		return err
	}
	client, err := kernel.Open()
	if err != nil {
		return err
	}
	say("asking")
	failed, ended := make(chan error, 1), make(chan struct{})
	go func() { // not on the locked thread, to which the runtime would have to switch
		for range time.Tick(pause) {
			if _, err := client.Status(); err != nil {
				failed <- fmt.Errorf("asking the kernel for audit's status: %w", err)
				return
			}
		}
	}()
	go func() {
		linger()
		close(ended)
	}()
	select {
	case err := <-failed:
		return err
	case <-ended:
		return client.Close()
	}
}
