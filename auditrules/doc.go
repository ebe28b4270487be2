// Package auditrules decides which kernel audit rules Tripline needs, installs
// exactly those, marked with Tripline's key, and removes exactly those.
//
// The path is: what compiled detection rules need (detect.Need) becomes a Plan
// for the machine at hand, and a Plan becomes rules in the kernel (Install)
// until Remove. Rules of others are never touched.
package auditrules
