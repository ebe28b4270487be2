package main

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// The measures of the picture, in its own units.
const (
	plotWidth   = 920
	plotLeft    = 62
	plotRight   = 30
	plotTop     = 64
	panelHeight = 104
	panelGap    = 40
)

// series is a line of a panel.
type series struct {
	name, colour string
	values       []float64
}

// panel is one of the diagrams over one another, which share the axis of time.
type panel struct {
	title string
	lines []series
	// bands are the marks that are shown behind the lines.
	bands []string
}

// The colours, which differ for the colour-blind too.
const (
	blue   = "#0072b2"
	orange = "#d55e00"
	green  = "#009e73"
	purple = "#cc79a7"
)

// bandColours are those of what is shown behind the lines.
func bandColours() map[string]string {
	return map[string]string{flooding: "#eceff3", noSyslog: "#fbe3d0", noElastic: "#d9ecf7"}
}

// panels are the diagrams of a record.
func panels(record *Record) []panel {
	of := func(name, colour string, value func(*Sample) float64) series {
		line := series{name: name, colour: colour}
		for i := range record.Samples {
			line.values = append(line.values, value(&record.Samples[i]))
		}
		return line
	}
	events := series{name: "events", colour: blue, values: []float64{0}}
	for i := 1; i < len(record.Samples); i++ {
		before, after := &record.Samples[i-1], &record.Samples[i]
		events.values = append(events.values, float64(after.Events-before.Events)/max(after.At-before.At, 1e-3))
	}
	return []panel{
		{"memory, MiB", []series{
			of("resident", blue, func(s *Sample) float64 { return mib(s.Resident) }),
			of("heap", orange, func(s *Sample) float64 { return mib(s.Heap) }),
		}, []string{flooding}},
		{"events a second", []series{events}, []string{flooding}},
		{"unfinished sequences", []series{of("pending", green, func(s *Sample) float64 { return float64(s.Pending) })}, []string{flooding}},
		{"lost", []series{
			of("by the kernel", orange, func(s *Sample) float64 { return float64(s.KernelLost) }),
			of("on the way", blue, func(s *Sample) float64 { return float64(s.RecordsLost) }),
			of("documents", purple, func(s *Sample) float64 { return float64(s.DocumentsLost) }),
		}, []string{flooding}},
		{"documents that wait", []series{
			of("waiting", purple, func(s *Sample) float64 { return float64(s.Waiting) }),
		}, []string{noSyslog, noElastic}},
		{"planted pairs and their alerts", []series{
			of("planted", blue, func(s *Sample) float64 { return float64(s.Planted) }),
			of("at syslog", orange, func(s *Sample) float64 { return float64(s.Syslog) }),
			of("at Elasticsearch", green, func(s *Sample) float64 { return float64(s.Elasticsearch) }),
		}, []string{noSyslog, noElastic}},
	}
}

// drawSVG draws a record.
func drawSVG(record *Record) ([]byte, error) {
	if len(record.Samples) < 2 {
		return nil, errors.New("a record of fewer than two samples cannot be drawn")
	}
	all := panels(record)
	p := plot{length: record.last().At, height: plotTop + len(all)*(panelHeight+panelGap)}
	p.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, plotWidth, p.height)
	p.add(`<rect width="%d" height="%d" fill="#fff"/>`, plotWidth, p.height)
	head := &record.Head
	p.add(`<text x="%d" y="20" font-size="15" font-weight="bold">Soak of Tripline %s, %s, Linux %s, %s</text>`,
		plotLeft, html.EscapeString(head.Version), html.EscapeString(strings.SplitN(head.Began, "T", 2)[0]), html.EscapeString(head.Kernel), processors(head.CPUs))
	p.legend(plotLeft, 40)
	for i := range all {
		p.panel(record, &all[i], plotTop+i*(panelHeight+panelGap))
	}
	p.add("</svg>")
	return p.text.Bytes(), nil
}

func processors(n int) string {
	if n == 1 {
		return "1 processor"
	}
	return strconv.Itoa(n) + " processors"
}

// plot is a picture while it is drawn.
type plot struct {
	text   bytes.Buffer
	length float64 // seconds
	height int
}

func (p *plot) add(form string, values ...any) { fmt.Fprintf(&p.text, form+"\n", values...) }

// x is where a moment is.
func (p *plot) x(at float64) float64 {
	return plotLeft + math.Min(at/p.length, 1)*(plotWidth-plotLeft-plotRight)
}

// legend says what is behind the lines.
func (p *plot) legend(x, y int) {
	for _, name := range []string{flooding, noSyslog, noElastic} {
		p.add(`<rect x="%d" y="%d" width="14" height="10" fill="%s"/><text x="%d" y="%d">%s</text>`, x, y-9, bandColours()[name], x+19, y, name)
		x += 145
	}
	p.add(`<path d="M%d %dv-9" stroke="#555"/><text x="%d" y="%d">%s of the rules</text>`, x+7, y, x+15, y, reloadedSensor)
}

// panel draws one diagram, whose top is at y.
func (p *plot) panel(record *Record, one *panel, y int) {
	bottom := y + panelHeight
	for _, name := range one.bands {
		p.bands(record, name, y)
	}
	for _, mark := range record.Marks {
		if mark.What == reloadedSensor {
			p.add(`<path d="M%.1f %dv-5" stroke="#555"/>`, p.x(mark.At), bottom)
		}
	}
	top := 0.0
	for _, line := range one.lines {
		for _, value := range line.values {
			top = max(top, value)
		}
	}
	step := niceStep(top)
	top = max(math.Ceil(top/step), 1) * step
	for value := 0.0; value <= top+step/2; value += step {
		at := float64(bottom) - value/top*panelHeight
		p.add(`<path d="M%d %.1fH%d" stroke="#dfe3e8" fill="none"/><text x="%d" y="%.1f" text-anchor="end" fill="#555">%s</text>`,
			plotLeft, at, plotWidth-plotRight, plotLeft-6, at+4, strconv.FormatFloat(value, 'f', -1, 64))
	}
	p.times(bottom)
	p.add(`<text x="%d" y="%d" font-weight="bold">%s</text>`, plotLeft, y-6, one.title)
	name := plotWidth - plotRight
	for i := len(one.lines) - 1; i >= 0; i-- {
		line := &one.lines[i]
		p.line(record, line, bottom, top)
		p.add(`<text x="%d" y="%d" text-anchor="end" fill="%s">%s</text>`, name, y-6, line.colour, line.name)
		name -= 9*len(line.name) + 14
	}
}

// bands shows when something was so.
func (p *plot) bands(record *Record, name string, y int) {
	begin := -1.0
	for _, mark := range append(record.Marks[:len(record.Marks):len(record.Marks)], Mark{At: p.length, What: name}) {
		switch {
		case mark.What != name:
		case mark.Begin:
			begin = mark.At
		case begin >= 0:
			p.add(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" fill-opacity=".8"/>`,
				p.x(begin), y, p.x(mark.At)-p.x(begin), panelHeight, bandColours()[name])
			begin = -1
		}
	}
}

func (p *plot) line(record *Record, line *series, bottom int, top float64) {
	var points strings.Builder
	for i, value := range line.values {
		fmt.Fprintf(&points, "%.0f,%.1f ", p.x(record.Samples[i].At), float64(bottom)-value/top*panelHeight)
	}
	p.add(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.4"/>`, strings.TrimSpace(points.String()), line.colour)
}

// times writes the axis of time, in minutes or, for short soaks, seconds.
func (p *plot) times(bottom int) {
	unit, name := 60.0, "min"
	if p.length < 300 {
		unit, name = 1, "s"
	}
	step := niceStep(p.length / unit * 0.6)
	for at := 0.0; at*unit <= p.length; at += step {
		p.add(`<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%s %s</text>`, p.x(at*unit), bottom+15, strconv.FormatFloat(at, 'f', -1, 64), name)
	}
}

// niceStep divides what goes up to a value into two to five parts of 1, 2 or 5
// times a power of ten.
func niceStep(top float64) float64 {
	if top <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(top)))
	for _, step := range []float64{0.2, 0.5, 1, 2} {
		if top/(step*power) <= 5 {
			return step * power
		}
	}
	return 2 * power
}
