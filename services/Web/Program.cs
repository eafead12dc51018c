using SecondhandTrade.Platform;
using SecondhandTrade.Web;
using SecondhandTrade.Web.Pages;

var builder = WebApplication.CreateBuilder(args);
builder.AddPages().AddSignIn();
builder.Services.AddInvoker("stock").AddInvoker("reservation").AddInvoker("trade").AddInvoker("payment").AddInvoker("notification").AddInvoker("mypage");

var app = builder.Build();
app.UsePages();
app.MapStaticAssets().DisableRateLimiting();
app.MapRazorComponents<App>();
app.MapSignIn();
app.MapFormPosts();
app.MapLive();
app.UseMetrics();
app.MapProbes();
app.Run();
