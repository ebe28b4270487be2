package normalize

// maxBlocks is how many blocks may have pending events. Beyond it those are given
// memory of their own: a log may have anything between two events that wait.
const maxBlocks = 64

// AddBlock takes the records of a block of a log, and tells of the lines without one
// where they come. It is for correlators with Options.Ordered. The block belongs to the
// correlator until LogBlock.Done is called.
func (c *Correlator) AddBlock(block *LogBlock, tell func(*BadLine)) {
	c.counters.records.Add(block.total)
	c.counters.bytes.Add(block.bytes)
	block.waiting++ // for as long as it is being added
	next := 0
	for i := range block.bad {
		for ; next < block.bad[i].Run; next++ {
			c.addRun(block, next)
		}
		tell(&block.bad[i])
	}
	for ; next < len(block.runs); next++ {
		c.addRun(block, next)
	}
	c.drop(block)
	if block.waiting == 0 {
		return
	}
	c.blocks++
	if c.blocks > maxBlocks {
		c.gather()
	}
}

// addRun takes some records of one event.
func (c *Correlator) addRun(block *LogBlock, number int) {
	run := &block.runs[number]
	host := c.nodes.find(run.node.of(block.text))
	w := c.find(host, run.time, run.sequence)
	if w == nil {
		if w = c.open(host, run.time, run.sequence, run.count); w == nil {
			return
		}
		if !run.copies && int(run.size) < c.options.MaxEventBytes && int(run.last-run.first) <= c.options.MaxEventRecords {
			w.block, w.run, w.ended = block, int32(number), run.ended
			block.waiting++
			c.last = w
			c.drain()
			return
		}
	}
	c.last = w
	c.whole(w)
	for i := run.first; i < run.last; i++ {
		one := &block.records[i]
		record := Record{Type: one.typ, Body: block.body(one), Enriched: block.enriched(one)}
		if one.start+1 == run.callAt {
			record.call = &block.calls[run.call-1]
		}
		c.append(w, &record)
	}
	w.ended = w.ended || run.ended
	c.drain()
}

// leave ends that an event is a view into a block.
func (c *Correlator) leave(w *waiting) {
	if block := w.block; block != nil {
		w.block = nil
		c.drop(block)
		if block.waiting == 0 {
			c.blocks--
		}
	}
}

// drop ends one use of a block, and gives it back after the last.
func (c *Correlator) drop(block *LogBlock) {
	block.waiting--
	switch {
	case block.waiting > 0:
	case block.kept != nil:
		c.kept.add(block)
	default:
		block.done()
	}
}

// gather gives all pending events memory of their own, so that no block is needed any
// more.
func (c *Correlator) gather() {
	for w := c.order.inOrder.head; w != nil; w = w.next {
		c.whole(w)
	}
	for _, w := range c.order.others {
		c.whole(w)
	}
}
