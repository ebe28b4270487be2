package sensor

import (
	"context"
	"fmt"
	"os"
	"time"

	"tripline/sensor/selftest"
)

// detectionTime is how long a sample's alert is awaited.
const detectionTime = 2 * time.Second

// selfTest performs the samples one after another and returns the names of
// those that were not detected.
func (s *Sensor) selfTest(ctx context.Context) (failed []string) {
	for _, technique := range s.options.SelfTest {
		began := time.Now()
		switch err := s.perform(ctx, technique); {
		case ctx.Err() != nil:
			return append(failed, technique.Name)
		case err != nil:
			s.options.Log.Error("self-test not detected", "technique", technique.Name, "error", err)
			failed = append(failed, technique.Name)
		default:
			s.options.Log.Info("self-test detected", "technique", technique.Name, "what", technique.What,
				"after", time.Since(began).Round(time.Millisecond).String())
		}
	}
	return failed
}

// perform runs one sample and waits for its alert. The sample lives until then,
// so that its pid means no other process.
func (s *Sensor) perform(ctx context.Context, technique selftest.Technique) (err error) {
	program := s.options.Program
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return fmt.Errorf("finding the program itself: %w", err)
		}
	}
	child, err := selftest.Start(program, technique)
	if err != nil {
		return err
	}
	defer func() {
		s.sample.Store(0)
		if stopErr := child.Stop(); err == nil {
			err = stopErr
		}
	}()
	s.sample.Store(int64(child.PID))
	if err := child.Perform(detectionTime); err != nil {
		return err
	}
	select {
	case <-s.detected:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the alert: %w", ctx.Err())
	case <-time.After(detectionTime):
		return fmt.Errorf("no alert within %s", detectionTime)
	}
}
