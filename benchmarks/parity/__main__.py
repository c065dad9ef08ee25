from benchmarks.parity.command import main

raise SystemExit(main())
