from benchmarks.pipeline.command import main

raise SystemExit(main())
