// Each town is a dozen servers; two at once on a small machine only wait for each other.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
