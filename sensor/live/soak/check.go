package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// judge checks what must hold at the end.
func (k *soak) judge(ctx context.Context, stopErr error) (*Verdict, error) {
	files, err := k.fileArrivals(ctx)
	if err != nil {
		return nil, err
	}
	planted := k.pairs.all()
	ended := Check{Name: "the sensor ended well", Passed: stopErr == nil, Found: "yes"}
	if stopErr != nil {
		ended.Found = stopErr.Error()
	}
	checks := append(k.record.checks(), ended,
		deliveredOnce("alert file", files, planted, 0),
		deliveredOnce("syslog", k.syslog.got, planted, 0),
		deliveredOnce("Elasticsearch", k.elastic.got, planted, k.elastic.repeated()),
		Check{
			Name: "every reload was done", Found: fmt.Sprintf("%d of %d", k.record.last().Reloads, k.sensor.reloads.Load()),
			Passed: k.record.last().Reloads == k.sensor.reloads.Load() && k.record.last().FailedReloads == 0,
		})
	verdict := &Verdict{Passed: true, Took: time.Since(k.began).Seconds(), Checks: checks}
	for _, check := range checks {
		verdict.Passed = verdict.Passed && check.Passed
	}
	return verdict, k.write(Line{Verdict: verdict})
}

// deliveredOnce checks that a receiver has each planted pair once. again is how
// many documents it was sent although it had them, which it told apart by their id.
func deliveredOnce(name string, got *arrivals, planted []string, again int) Check {
	missing, repeated, unknown := got.compare(planted)
	check := Check{
		Name:   "each planted pair once: " + name,
		Passed: len(planted) > 0 && missing == 0 && repeated == 0 && unknown == 0,
		Found:  fmt.Sprintf("%d planted, %d missing, %d more than once, %d never planted", len(planted), missing, repeated, unknown),
	}
	if got.others > 0 {
		check.Found += fmt.Sprintf("; %d alerts about others", got.others)
	}
	if again > 0 {
		check.Found += fmt.Sprintf("; %d documents were sent twice, with their ids", again)
	}
	return check
}

func (r *Record) last() Sample { return r.Samples[len(r.Samples)-1] }

// checks are those that samples alone decide.
func (r *Record) checks() []Check {
	last := r.last()
	return []Check{
		{Name: "the kernel lost nothing", Passed: last.KernelLost == 0, Found: fmt.Sprintf("%d records", last.KernelLost)},
		{
			Name: "nothing was lost on the way to the engine", Passed: last.RecordsLost == 0,
			Found: fmt.Sprintf("%d; %d records received, %d events, %d titles or ends that came late", last.RecordsLost, last.Records, last.Events, last.Lost.Late),
		},
		{
			Name: "no output lost a document or keeps one", Passed: last.DocumentsLost == 0 && last.Waiting == 0,
			Found: fmt.Sprintf("%d lost, %d waiting, %d at most; spools had %.1f MiB at most", last.DocumentsLost, last.Waiting,
				r.most(func(s *Sample) int64 { return int64(s.Waiting) }), mib(r.most(func(s *Sample) int64 { return s.SpoolBytes }))),
		},
		r.flat("resident memory is flat", func(s *Sample) int64 { return s.Resident }),
		r.flat("heap is flat", func(s *Sample) int64 { return s.Heap }),
	}
}

func (r *Record) most(of func(*Sample) int64) int64 {
	most := int64(0)
	for i := range r.Samples {
		most = max(most, of(&r.Samples[i]))
	}
	return most
}

const (
	// warmUp is the part of the samples that is left out at the beginning: tables
	// and pools fill then.
	warmUp = 1.0 / 6
	// growth and slack are what the median of the last quarter may exceed that of
	// the first by, whichever is more: a heap goes up and down between two
	// collections, and a median of few samples with it.
	growth = 0.05
	slack  = 2 << 20
	// fewestSamples is with how many a quarter says something, and shortest how many
	// seconds a soak must have taken: memory grows until tables and pools are full.
	fewestSamples, shortest = 5, 600
)

// flat compares the medians of the first and the last quarter of the samples after
// the warm-up.
func (r *Record) flat(name string, of func(*Sample) int64) Check {
	samples := r.Samples[int(float64(len(r.Samples))*warmUp):]
	quarter := len(samples) / 4
	if quarter < fewestSamples || r.last().At < shortest {
		return Check{Name: name, Passed: true, Found: fmt.Sprintf("%d samples in %.0f s are too few to say", len(r.Samples), r.last().At)}
	}
	first, last := median(samples[:quarter], of), median(samples[len(samples)-quarter:], of)
	allowed := max(int64(float64(first)*growth), slack)
	return Check{
		Name: name, Passed: last-first <= allowed,
		Found: fmt.Sprintf("median %.1f MiB in the first quarter after warm-up, %.1f in the last, %.1f at most", mib(first), mib(last), mib(r.most(of))),
	}
}

func median(samples []Sample, of func(*Sample) int64) int64 {
	values := make([]int64, len(samples))
	for i := range samples {
		values[i] = of(&samples[i])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
