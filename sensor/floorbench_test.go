package sensor

import (
	"bytes"
	"runtime"
	"testing"
)

// BenchmarkReplayFloor measures, on the first log of BenchmarkReplay and on one core, what
// no reader of such a log can do without, in as few steps as there are: to find where
// lines end; to read each record's type, time and sequence number as well; and to split
// those records into their pairs of which a rule needs some. Nothing is checked, kept,
// joined or matched.
func BenchmarkReplayFloor(b *testing.B) {
	log, lines, _ := syntheticLog(100 << 20)
	for _, one := range []struct {
		name string
		read func(line []byte) int
	}{
		{"line ends", func(line []byte) int { return len(line) }},
		{"headers", func(line []byte) int { _, header := leanHeader(line); return header }},
		{"pairs", leanPairs},
	} {
		b.Run(one.name, func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			for b.Loop() {
				if got := leanLines(log, one.read); got != lines {
					b.Fatalf("%d lines, want %d", got, lines)
				}
			}
			b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(len(log))*float64(b.N)/1e6/b.Elapsed().Seconds(), "MB/s")
		})
	}
}

// leanLines has each line of a log read, and returns how many there are of which
// something was.
func leanLines(log []byte, read func(line []byte) int) (lines int) {
	for len(log) > 0 {
		end := bytes.IndexByte(log, '\n')
		if read(log[:end]) > 0 {
			lines++
		}
		log = log[end+1:]
	}
	return lines
}

// leanHeader reads the first letter of a record's type, and its time and sequence number
// as one sum; body is where its pairs begin.
func leanHeader(line []byte) (typ byte, body int) {
	typ = line[len("type=")]
	at := bytes.IndexByte(line, '(') + 1
	time, sequence := 0, 0
	for ; line[at] != ':'; at++ {
		time = time*10 + int(line[at]-'0')
	}
	for at++; line[at] != ')'; at++ {
		sequence = sequence*10 + int(line[at]-'0')
	}
	if time+sequence == 0 {
		return 0, 0
	}
	return typ, at + len("): ")
}

// leanPairs counts the pairs of SYSCALL and SOCKADDR records.
func leanPairs(line []byte) (pairs int) {
	typ, body := leanHeader(line)
	if typ != 'S' {
		return body
	}
	for _, one := range line[body:] {
		if one == '=' {
			pairs++
		}
	}
	return pairs
}
