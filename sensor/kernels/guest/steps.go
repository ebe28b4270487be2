package main

// plainSteps are the steps of a machine that boots without a word about audit.
func plainSteps() []step {
	steps := []step{
		{name: "older process", run: startOld},
		{name: "features", run: features},
		{name: "plan", run: plan},
	}
	steps = append(steps, catchSteps(tripline, "", false)...)
	steps = append(steps,
		step{name: "older process unseen, named", run: oldUnseen},
		step{name: "selftest", run: selftest},
		step{name: "restore at any moment", run: restoreAtAnyMoment},
		step{name: "killed, rules remove", run: killedThenRemove},
		step{name: "others' rules stay", run: foreignRules},
		step{name: "second sensor refuses", run: secondSensor},
		step{name: "beside a daemon", run: besideDaemon},
		step{name: "never,task", run: neverTask},
		step{name: "stopped sensor", run: stoppedSensor},
		step{name: "failure=2", run: failurePanic},
		step{name: "settings made worse", run: worseSettings},
	)
	steps = append(steps, catchSteps(tripline32, " (386)", true)...)
	return append(steps, step{name: "locked without rules", run: lockedWithout, leaves: true})
}

// earlySteps are the steps of a machine that boots with audit=1.
func earlySteps() []step {
	return []step{
		{name: "older process", run: startOld},
		{name: "older process caught", run: oldCaught},
		{name: "selftest", run: selftest},
		{name: "clock set", run: setClock},
		{name: "locked with rules", run: lockedWith, leaves: true},
	}
}

// offSteps are the steps of a machine that boots with audit=0.
func offSteps() []step {
	return []step{
		{name: "run refuses", run: refusesOff("run", "--alert-file=")},
		{name: "selftest refuses", run: refusesOff("selftest")},
		{name: "plan", run: plan},
		{name: "doctor", run: doctorOff},
	}
}
