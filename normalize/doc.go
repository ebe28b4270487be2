// Package normalize turns Linux audit records into ECS events.
//
// A record is parsed by ParsePayload (as the kernel sends it) or ParseLine (as
// auditd logs it), a Correlator joins the records of one audit event into an
// *Event, and an Event offers its content by ECS field name. Nothing on that
// way allocates once the correlator's buffers have grown to the usual size of an
// event.
//
// What records do not say (the identity of a process, the transport of a
// socket, the names of users) comes from a Resolver. The only one, ProcResolver,
// reads /proc and is for live events. Without a resolver nothing of the present
// machine gets into an event.
package normalize
